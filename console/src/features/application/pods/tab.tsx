import { useQuery } from '@tanstack/react-query'
import { Box, Server } from 'lucide-react'
import { useAddress } from '@/shared/address'
import { useExported } from '@/shared/exporting'
import { Ago, Empty, Loaded, Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import { useTree } from '../nodes'
import { objectKey } from '../objects'
import { askOwn, keyOf } from '../queries'
import { useAppRef } from '../reference'
import { Tile } from '../tile'
import { GROUPINGS, groupPods, type PodFacts, type PodGroup, reasonOf } from './groups'
import styles from './tab.module.css'
import { words } from './words'

const OFTEN_MS = 5_000

/** Pods by where they run, or by what they belong to. */
export function PodsTab(_: { application: Application }) {
  const say = useWords(words)
  const app = useAppRef()
  const { params, put } = useAddress()
  const tree = useTree(app)
  const pods = useQuery({
    queryKey: keyOf(app, 'pods'),
    queryFn: ({ signal }) => askOwn<{ items: PodFacts[] }>(app, ['pods'], { signal }),
    refetchInterval: OFTEN_MS,
  })
  useExported(`${app.name}-pods`, pods.data?.items)
  const by = GROUPINGS.find((each) => each === params.get('by')) ?? 'node'
  const choose = (by: string) => put({ by })
  return (
    <Loaded query={pods}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title={say('none')}>{say('none-text')}</Empty>
        ) : (
          <div className={styles['tab']}>
            <div className={styles['tools']}>
              <label>
                {say('by')}{' '}
                <select value={by} onChange={(event) => choose(event.target.value)}>
                  {GROUPINGS.map((each) => (
                    <option key={each} value={each}>
                      {say(each)}
                    </option>
                  ))}
                </select>
              </label>
              <span className={styles['quiet']} role="status">
                {say('pods', { n: items.length })}
              </span>
            </div>
            {groupPods(items, tree.data ?? [], by).map((group) => (
              <Group key={group.name} group={group} isNode={by === 'node'} />
            ))}
          </div>
        )
      }
    </Loaded>
  )
}

function Group({ group, isNode }: { group: PodGroup; isNode: boolean }) {
  const say = useWords(words)
  const Icon = isNode ? Server : Box
  const name = group.name || say(isNode ? 'nowhere' : 'nobody')
  return (
    <section className={styles['group']} aria-label={name}>
      <h2>
        <Icon size={16} aria-hidden /> {name}
        <span className={styles['quiet']}>
          {say('pods', { n: group.pods.length })}
          {group.unwell > 0 && `, ${say('unwell', { n: group.unwell })}`}
        </span>
      </h2>
      <ul>
        {group.pods.map((pod) => (
          <Pod key={pod.uid} pod={pod} />
        ))}
      </ul>
    </section>
  )
}

function Pod({ pod }: { pod: PodFacts }) {
  const say = useWords(words)
  const reason = reasonOf(pod)
  const hasEnded = pod.phase === 'Succeeded' || pod.phase === 'Failed'
  return (
    <li>
      <Tile of={objectKey({ kind: 'Pod', namespace: pod.namespace, name: pod.name })}>
        <span className={styles['pod']}>
          <span className={styles['head']}>
            <Status value={pod.health?.status ?? 'Unknown'} variant="icon" />
            <strong>{pod.name}</strong>
          </span>
          <span className={styles['facts']}>
            <span>{hasEnded ? say('ended') : say('ready', { ready: pod.ready, total: pod.total })}</span>
            {pod.restarts > 0 && <span className={styles['warn']}>{say('restarts', { n: pod.restarts })}</span>}
            {pod.terminating && <span className={styles['warn']}>{say('going')}</span>}
            <Ago at={pod.createdAt} />
          </span>
          {reason && <span className={styles['reason']}>{reason}</span>}
        </span>
      </Tile>
    </li>
  )
}
