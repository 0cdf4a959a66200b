import type { AppRef } from '@/shared/api/types'
import { Ago, Empty, Loaded } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Node } from '../nodes'
import { type KubernetesEvent, timeOf, useEvents } from './api'
import styles from './panel.module.css'
import { words } from './words'

/** What the cluster says of an object, newest first. */
export function EventList({ app, node }: { app: AppRef; node: Node }) {
  const say = useWords(words)
  const events = useEvents(app, node)
  return (
    <Loaded query={events}>
      {(items) =>
        items.length === 0 ? (
          <Empty title={say('events-none')}>{say('events-none-text')}</Empty>
        ) : (
          <ol className={styles['events']}>
            {items.map((event) => (
              <EventRow key={event.metadata.uid || event.metadata.name} event={event} />
            ))}
          </ol>
        )
      }
    </Loaded>
  )
}

function EventRow({ event }: { event: KubernetesEvent }) {
  const say = useWords(words)
  const isWarning = event.type === 'Warning'
  return (
    <li data-warning={isWarning || undefined}>
      <span className={styles['event-head']}>
        <strong>{event.reason}</strong>
        {isWarning && <span className={styles['warning']}>{say('warning')}</span>}
        {(event.count ?? 1) > 1 && <span className={styles['quiet']}>{say('times', { n: event.count ?? 1 })}</span>}
        <span className={styles['quiet']}>
          {event.source?.component || event.reportingComponent} · <Ago at={timeOf(event)} />
        </span>
      </span>
      <span>{event.message}</span>
    </li>
  )
}
