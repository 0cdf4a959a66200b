import { Ago } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Difference } from '../sync/plan'
import { Shortened } from '../why/long-text'
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
            <del title={say('live')}>
              <Value value={each.live} />
            </del>
            <span aria-hidden>→</span>
            <ins title={say('wanted')}>
              <Value value={each.desired} />
            </ins>
          </span>
          {each.masked && <span className={styles['note']}>{say('masked')}</span>}
          {each.manager && (
            <span className={styles['note']}>
              <Owner manager={each.manager} time={each.time} />
            </span>
          )}
        </li>
      ))}
    </ul>
  )
}

/** Whose a live value is, and when they last wrote it. */
export function Owner({ manager, time }: { manager: string; time: string | undefined }) {
  const say = useWords(words)
  return (
    <>
      {say('manager', { manager })}
      {time && (
        <>
          {say('comma')}
          <Ago at={time} />
        </>
      )}
    </>
  )
}

const LONGEST = 300

/** A value as one line: text as it is, everything else as JSON; the beginning of what is long. */
function Value({ value }: { value: unknown }) {
  const say = useWords(words)
  if (value === null || value === undefined) return <>{say('absent')}</>
  const text = typeof value === 'string' ? value || '""' : JSON.stringify(value)
  return (
    <Shortened text={text} most={LONGEST}>
      {(shown) => shown}
    </Shortened>
  )
}
