import { AlertTriangle } from 'lucide-react'
import type { ReactNode } from 'react'
import type { AppRef } from '@/shared/api/types'
import { Ago, Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { KindIcon } from '../kind-icon'
import { healthOf, type Node, nodeKey, whyOf } from '../nodes'
import { useAppRef } from '../reference'
import { joinKey, useSelection } from '../selection'
import { useLive } from './api'
import { type ContainerFacts, containersOf } from './containers'
import styles from './panel.module.css'
import { words } from './words'

/** What an object is, how it does and why, and what it belongs to. */
export function Summary({ app, node, nodes }: { app: AppRef; node: Node; nodes: readonly Node[] }) {
  const say = useWords(words)
  const live = useLive(app, node)
  const why = whyOf(node)
  const owners = nodes.filter((each) => each.uid && node.parents.includes(each.uid))
  const owned = nodes.filter((each) => node.uid && each.parents.includes(node.uid))
  const containers = containersOf(live.data)
  const labels = Object.entries(live.data?.metadata?.labels ?? {})
  return (
    <div className={styles['summary']}>
      {(why || !node.uid) && (
        <p className={styles['why']}>
          <AlertTriangle size={16} aria-hidden />
          <span>
            {why || say('absent')}
            {node.health?.hint && <span className={styles['quiet']}> {node.health.hint}</span>}
          </span>
        </p>
      )}
      <dl className={styles['facts']}>
        <Fact label={say('kind')}>
          {node.kind} <span className={styles['quiet']}>{[node.group, node.version].filter(Boolean).join('/')}</span>
        </Fact>
        {node.namespace && <Fact label={say('namespace')}>{node.namespace}</Fact>}
        {node.createdAt && (
          <Fact label={say('created')}>
            <Ago at={node.createdAt} />
          </Fact>
        )}
        {node.wave ? <Fact label={say('wave')}>{node.wave}</Fact> : null}
        {labels.length > 0 && (
          <Fact label={say('labels')}>
            <span className={styles['labels']}>
              {labels.map(([name, value]) => (
                <code key={name}>
                  {name}={value}
                </code>
              ))}
            </span>
          </Fact>
        )}
      </dl>
      {containers.length > 0 && <Containers containers={containers} />}
      <Relatives app={app} title={say('owners')} nodes={owners} />
      <Relatives app={app} title={say('owned')} nodes={owned} />
    </div>
  )
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Containers({ containers }: { containers: readonly ContainerFacts[] }) {
  const say = useWords(words)
  return (
    <section>
      <h3>{say('containers')}</h3>
      <ul className={styles['rows']}>
        {containers.map((each) => (
          <li key={each.name}>
            <span>
              <strong>{each.name}</strong> {each.isInit && <span className={styles['quiet']}>{say('init')}</span>}
              <br />
              <code className={styles['quiet']}>{each.image}</code>
            </span>
            <span className={styles['state']}>
              {each.reason || each.state}
              {each.restarts > 0 && <span>{say('restarts', { n: each.restarts })}</span>}
              {each.message && <span className={styles['quiet']}>{each.message}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** So many are listed; the tree has the rest. */
const LISTED = 50

function Relatives({ app, title, nodes }: { app: AppRef; title: string; nodes: readonly Node[] }) {
  const say = useWords(words)
  const root = useAppRef()
  const selection = useSelection()
  if (nodes.length === 0) return null
  return (
    <section>
      <h3>
        {title} <span className={styles['quiet']}>{nodes.length}</span>
      </h3>
      <ul className={styles['rows']}>
        {nodes.slice(0, LISTED).map((each) => {
          const health = healthOf(each)
          return (
            <li key={nodeKey(each)}>
              <button
                type="button"
                className={styles['link']}
                onClick={() => selection.open(joinKey(app, nodeKey(each), root))}
              >
                <KindIcon kind={each.kind} /> {each.kind} {each.name}
              </button>
              {health && <Status value={health} />}
            </li>
          )
        })}
        {nodes.length > LISTED && <li className={styles['quiet']}>{say('more', { n: nodes.length - LISTED })}</li>}
      </ul>
    </section>
  )
}
