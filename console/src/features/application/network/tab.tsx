import { useQuery } from '@tanstack/react-query'
import { ArrowRight, Globe } from 'lucide-react'
import type { ReactNode } from 'react'
import { useExported } from '@/shared/exporting'
import { Empty, Loaded, Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { KindIcon } from '../kind-icon'
import type { Application } from '../model'
import { healthOf, type Node, nodeKey, useTree } from '../nodes'
import { askOwn, keyOf } from '../queries'
import { useAppRef } from '../reference'
import { Tile } from '../tile'
import { type Flow, flowsOf, type Network, type NetworkNode } from './flows'
import styles from './tab.module.css'
import { words } from './words'

const OFTEN_MS = 5_000

/** Who reaches the application's Pods: Ingress, Service, Pods. */
export function NetworkTab(_: { application: Application }) {
  const app = useAppRef()
  const tree = useTree(app)
  const network = useQuery({
    queryKey: keyOf(app, 'network'),
    queryFn: ({ signal }) => askOwn<Network>(app, ['network'], { signal }),
    refetchInterval: OFTEN_MS,
  })
  useExported(`${app.name}-network`, network.data?.edges)
  const known = new Map((tree.data ?? []).map((node) => [node.uid, node]))
  return <Loaded query={network}>{(found) => <Ways network={found} known={known} />}</Loaded>
}

type Known = ReadonlyMap<string, Node>

function Ways({ network, known }: { network: Network; known: Known }) {
  const say = useWords(words)
  const { flows, lost, unreached } = flowsOf(network)
  if (network.nodes.length === 0) return <Empty title={say('none')}>{say('none-text')}</Empty>
  return (
    <div className={styles['tab']}>
      {flows.map((flow) => (
        <Way key={flow.service.uid} flow={flow} known={known} />
      ))}
      {lost.length > 0 && (
        <section className={styles['rest']} aria-label={say('lost')}>
          <h2>{say('lost')}</h2>
          <ul>
            {lost.map((each) => (
              <li key={`${each.ingress.uid} ${each.label} ${each.name}`}>
                <Thing node={each.ingress} known={known}>
                  {each.label} → {each.name}
                </Thing>
              </li>
            ))}
          </ul>
        </section>
      )}
      {unreached.length > 0 && (
        <section className={styles['rest']} aria-label={say('unreached')}>
          <h2>{say('unreached')}</h2>
          <p className={styles['quiet']}>{say('unreached-text')}</p>
          <ul>
            {unreached.map((pod) => (
              <li key={pod.uid}>
                <Thing node={pod} known={known} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  )
}

function Way({ flow, known }: { flow: Flow; known: Known }) {
  const say = useWords(words)
  const { service, entries, pods } = flow
  return (
    <section className={styles['way']} aria-label={`Service ${service.name}`}>
      <div className={styles['step']}>
        {entries.length > 0 ? (
          entries.map((each) => (
            <Thing key={`${each.ingress.uid} ${each.label}`} node={each.ingress} known={known}>
              {each.label}
            </Thing>
          ))
        ) : (
          <p className={styles['inside']}>
            <Globe size={16} aria-hidden /> {say(isPublic(service) ? 'outside' : 'inside')}
          </p>
        )}
      </div>
      <ArrowRight size={18} className={styles['arrow']} aria-hidden />
      <div className={styles['step']}>
        <Thing node={service} known={known}>
          {[service.type, ...service.ports, ...service.addresses].filter(Boolean).join(' · ')}
        </Thing>
      </div>
      <ArrowRight size={18} className={styles['arrow']} aria-hidden />
      <div className={styles['step']}>
        {pods.length > 0 ? (
          pods.map((pod) => (
            <Thing key={pod.uid} node={pod} known={known}>
              {pod.addresses.join(' · ')}
            </Thing>
          ))
        ) : (
          <p className={styles['nobody']}>{say('no-pods')}</p>
        )}
      </div>
    </section>
  )
}

function isPublic(service: NetworkNode): boolean {
  return service.type === 'LoadBalancer' || service.type === 'NodePort'
}

function Thing({ node, known, children }: { node: NetworkNode; known: Known; children?: ReactNode }) {
  const object = known.get(node.uid)
  const health = object ? healthOf(object) : null
  return (
    <Tile of={object ? nodeKey(object) : null}>
      <span className={styles['thing']}>
        <KindIcon kind={node.kind} />
        <span className={styles['text']}>
          <span className={styles['kind']}>{node.kind}</span>
          <strong>{node.name}</strong>
          {children && <span className={styles['quiet']}>{children}</span>}
        </span>
        {health && <Status value={health} variant="icon" />}
      </span>
    </Tile>
  )
}
