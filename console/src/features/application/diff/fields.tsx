import { useWords } from '@/shared/words'
import type { Difference } from '../sync/plan'
import styles from './fields.module.css'
import { words } from './words'

/** Fields that differ: what is live, what Git wants, and whose the live value is. */
export function FieldList({
  differences,
  onIgnore,
}: {
  differences: readonly Difference[]
  onIgnore?: ((difference: Difference) => void) | undefined
}) {
  const say = useWords(words)
  return (
    <ul className={styles['fields']}>
      {differences.map((each) => (
        <li key={each.path}>
          <span className={styles['head']}>
            <code className={styles['path']}>{each.path}</code>
            {onIgnore && (
              <button
                type="button"
                className={styles['ignore']}
                aria-label={say('ignore-field', { path: each.path })}
                onClick={() => onIgnore(each)}
              >
                {say('ignore')}
              </button>
            )}
          </span>
          <span className={styles['change']}>
            <del title={say('live')}>{format(each.live, say('absent'))}</del>
            <span aria-hidden>→</span>
            <ins title={say('wanted')}>{format(each.desired, say('absent'))}</ins>
          </span>
          {each.masked && <span className={styles['note']}>{say('masked')}</span>}
          {each.manager && <span className={styles['note']}>{say('manager', { manager: each.manager })}</span>}
        </li>
      ))}
    </ul>
  )
}

const LONGEST = 300

/** A value as one line: text as it is, everything else as JSON, cut where it is long. */
export function format(value: unknown, absent: string): string {
  if (value === null || value === undefined) return absent
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text === '' ? '""' : text
}
