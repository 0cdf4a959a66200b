import { Ago, Term } from '@/shared/ui'
import { useLanguage, useWords } from '@/shared/words'
import { type Pin, shortRevision } from '../model'
import styles from './pin.module.css'
import { words } from './words'

/** Where a pin holds an application: since when, until when, by whom and why. */
export function PinFacts({ pin }: { pin: Pin }) {
  const say = useWords(words)
  const language = useLanguage()
  const until = pin.until && new Date(pin.until).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' })
  const isOverdue = pin.until !== '' && Date.parse(pin.until) < Date.now()
  return (
    <>
      <p className={styles['facts']}>
        <strong>
          <Term name="pin">{say('pinned', { revision: pin.revisions.map(shortRevision).join(', ') })}</Term>
        </strong>
        {pin.owner && <span>{say('pinned-by', { owner: pin.owner })}</span>}
        {pin.since && (
          <span>
            {say('pinned-since')} <Ago at={pin.since} />
          </span>
        )}
        {!isOverdue && <span>{until ? say('pinned-until', { until }) : say('pinned-open')}</span>}
      </p>
      {pin.reason && <p className={styles['reason']}>{pin.reason}</p>}
      <p className={isOverdue ? undefined : styles['rule']}>
        {isOverdue ? say('pinned-overdue', { until }) : say('pinned-text')}
      </p>
    </>
  )
}
