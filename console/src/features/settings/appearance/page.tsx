import { chooseTheme, THEMES, useTheme } from '@/shared/theme'
import { Status } from '@/shared/ui'
import { chooseLanguage, type Language, useLanguage, useWords } from '@/shared/words'
import { Frame } from '../parts/frame'
import parts from '../parts/parts.module.css'
import styles from './page.module.css'
import { words } from './words'

const LANGUAGES: readonly (readonly [Language, string])[] = [
  ['en', 'English'],
  ['ja', '日本語'],
]

/** Colours and language. */
export function Component() {
  const say = useWords(words)
  const theme = useTheme()
  const language = useLanguage()
  return (
    <Frame section="appearance" lead={say('lead')}>
      <fieldset className={styles['set']}>
        <legend>{say('theme')}</legend>
        {THEMES.map((each) => (
          <label key={each} className={styles['card']}>
            <input type="radio" name="theme" checked={each === theme} onChange={() => chooseTheme(each)} />
            <span>
              <strong>{say(`theme-${each}`)}</strong>
              <br />
              <span className={parts['faint']}>{say(`text-${each}`)}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <fieldset className={styles['set']}>
        <legend>{say('language')}</legend>
        {LANGUAGES.map(([each, name]) => (
          <label key={each} className={styles['card']}>
            <input type="radio" name="language" checked={each === language} onChange={() => chooseLanguage(each)} />
            <strong lang={each}>{name}</strong>
          </label>
        ))}
      </fieldset>
      <section className={parts['section']}>
        <h2>{say('sample')}</h2>
        <div className={parts['row']}>
          {['Synced', 'OutOfSync', 'Healthy', 'Progressing', 'Degraded', 'Suspended', 'Missing', 'Failed'].map(
            (each) => (
              <Status key={each} value={each} variant="chip" />
            ),
          )}
        </div>
      </section>
    </Frame>
  )
}
