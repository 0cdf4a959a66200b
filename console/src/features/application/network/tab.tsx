import { useQuery } from '@tanstack/react-query'
import { ArrowRight, Globe } from 'lucide-react'
import { useExported } from '@/shared/exporting'
import { Card, Empty, Loaded } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import { useTree } from '../nodes'
import { type Known, knownOf, ObjectTile } from '../object-tile'
import { askOwn, keyOf } from '../queries'
import { useAppRef } from '../reference'
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
  const known = knownOf(tree.data)
  return <Loaded query={network}>{(found) => <Ways network={found} known={known} />}</Loaded>
}

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
                <ObjectTile node={each.ingress} known={known}>
                  {each.label} → {each.name}
                </ObjectTile>
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
                <ObjectTile node={pod} known={known} />
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
    <Card className={styles['way']} aria-label={`Service ${service.name}`}>
      <div className={styles['step']}>
        {entries.length > 0 ? (
          entries.map((each) => (
            <ObjectTile key={`${each.ingress.uid} ${each.label}`} node={each.ingress} known={known}>
              {each.label}
            </ObjectTile>
          ))
        ) : (
          <p className={styles['inside']}>
            <Globe size={16} aria-hidden /> {say(isPublic(service) ? 'outside' : 'inside')}
          </p>
        )}
      </div>
      <ArrowRight size={18} className={styles['arrow']} aria-hidden />
      <div className={styles['step']}>
        <ObjectTile node={service} known={known}>
          {[service.type, ...service.ports, ...service.addresses].filter(Boolean).join(' · ')}
        </ObjectTile>
      </div>
      <ArrowRight size={18} className={styles['arrow']} aria-hidden />
      <div className={styles['step']}>
        {pods.length > 0 ? (
          pods.map((pod) => (
            <ObjectTile key={pod.uid} node={pod} known={known}>
              {pod.addresses.join(' · ')}
            </ObjectTile>
          ))
        ) : (
          <p className={styles['nobody']}>{say('no-pods')}</p>
        )}
      </div>
    </Card>
  )
}

function isPublic(service: NetworkNode): boolean {
  return service.type === 'LoadBalancer' || service.type === 'NodePort'
}
