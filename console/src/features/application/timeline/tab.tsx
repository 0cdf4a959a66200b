import { useQuery } from '@tanstack/react-query'
import { Activity, Bell, type LucideIcon, RefreshCw } from 'lucide-react'
import { useAddress } from '@/shared/address'
import { useExported } from '@/shared/exporting'
import { Empty, Loaded, Status, useDuration } from '@/shared/ui'
import { useLanguage, useWords } from '@/shared/words'
import { type Application, shortRevision } from '../model'
import { useEvents } from '../node/api'
import { type Node, nodeKey, useTree } from '../nodes'
import { askOwn, keyOf } from '../queries'
import { useAppRef } from '../reference'
import { useSelection } from '../selection'
import { byDay, type Entry, entriesOf, LANES, type Lane, type Told } from './entries'
import styles from './tab.module.css'
import { words } from './words'

const OFTEN_MS = 10_000
const ICONS: Readonly<Record<Lane, LucideIcon>> = { sync: RefreshCw, health: Activity, event: Bell }

/** What happened: syncs, health and events on one axis; with an object chosen, its events as well. */
export function TimelineTab({ application }: { application: Application }) {
  const app = useAppRef()
  const selection = useSelection()
  const tree = useTree(app)
  const chosen = tree.data?.find((node) => node.uid && nodeKey(node) === selection.key) ?? null
  const told = useQuery({
    queryKey: keyOf(app, 'timeline'),
    queryFn: ({ signal }) => askOwn<{ items: Told[] }>(app, ['timeline'], { signal }),
    refetchInterval: OFTEN_MS,
  })
  const own = useEvents(app, null)
  return (
    <Loaded query={told}>
      {({ items }) =>
        chosen ? (
          <WithObject node={chosen} items={items} own={own.data ?? []} application={application} />
        ) : (
          <Axis entries={entriesOf(items, own.data ?? [], application)} node={null} />
        )
      }
    </Loaded>
  )
}

type Events = NonNullable<ReturnType<typeof useEvents>['data']>

function WithObject({
  node,
  items,
  own,
  application,
}: {
  node: Node
  items: readonly Told[]
  own: Events
  application: Application
}) {
  const events = useEvents(useAppRef(), node)
  return <Axis entries={entriesOf(items, [...own, ...(events.data ?? [])], application)} node={node} />
}

function Axis({ entries, node }: { entries: readonly Entry[]; node: Node | null }) {
  const say = useWords(words)
  const language = useLanguage()
  useExported(`${useAppRef().name}-timeline`, entries)
  const { params, change } = useAddress()
  const hidden = params.getAll('hide')
  const toggle = (lane: Lane) =>
    change((next) => {
      next.delete('hide')
      for (const each of LANES) if (hidden.includes(each) !== (each === lane)) next.append('hide', each)
    })
  const shown = entries.filter((each) => !hidden.includes(each.lane))
  return (
    <div className={styles['tab']}>
      <div className={styles['tools']}>
        {LANES.map((lane) => (
          <label key={lane}>
            <input type="checkbox" checked={!hidden.includes(lane)} onChange={() => toggle(lane)} />
            {say(`lane-${lane}`)}
          </label>
        ))}
        <span className={styles['quiet']}>
          {node ? say('with', { object: `${node.kind} ${node.name}` }) : say('with-none')}
        </span>
      </div>
      {shown.length === 0 && <Empty title={say('none')} />}
      {byDay(shown, (time) => time.toLocaleDateString(language, { dateStyle: 'full' })).map(([day, each]) => (
        <section key={day} aria-label={day}>
          <h2 className={styles['day']}>{day}</h2>
          <ol className={styles['axis']}>
            {each.map((entry) => (
              <Row key={entry.key} entry={entry} />
            ))}
          </ol>
        </section>
      ))}
    </div>
  )
}

function Row({ entry }: { entry: Entry }) {
  const say = useWords(words)
  const language = useLanguage()
  const duration = useDuration()
  const Icon = ICONS[entry.lane]
  const title = entry.kind === 'event' || entry.kind === 'other' ? entry.title : say(entry.kind)
  return (
    <li className={styles['row']} data-warning={entry.isWarning || undefined}>
      <time dateTime={entry.time} className={styles['time']}>
        {new Date(entry.time).toLocaleTimeString(language)}
      </time>
      <span className={styles['dot']} title={say(`lane-${entry.lane}`)}>
        <Icon size={14} aria-hidden />
      </span>
      <span className={styles['what']}>
        <span className={styles['head']}>
          <strong>{title}</strong>
          {entry.status && <Status value={entry.status} />}
          {entry.isWarning && entry.kind === 'event' && <span className={styles['warning']}>{say('warning')}</span>}
          {entry.revision && <code>{entry.revision.split(',').map(shortRevision).join(', ')}</code>}
          {entry.who && (
            <span className={styles['quiet']}>
              {entry.who === 'automated' ? say('automated') : say('by', { who: entry.who })}
            </span>
          )}
          {entry.seconds !== null && <span className={styles['quiet']}>{duration(entry.seconds)}</span>}
        </span>
        {entry.text && <span className={styles['text']}>{entry.text}</span>}
      </span>
    </li>
  )
}
