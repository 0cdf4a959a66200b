import { CheckCircle2, HelpCircle, Settings, XCircle } from 'lucide-react'
import { Link } from 'react-router'
import { useExported } from '@/shared/exporting'
import { Callout, Card, Empty, Loaded, Mark, Page, useDuration } from '@/shared/ui'
import { useLanguage, useWords } from '@/shared/words'
import { type Cluster, stateOf, useClusters, type Watched } from './api'
import { Nodes } from './nodes'
import styles from './page.module.css'
import { words } from './words'

/** All clusters: how each answers, what runs on its nodes. */
export function Component() {
  const say = useWords(words)
  const clusters = useClusters()
  useExported('clusters', clusters.data?.items)
  const manage = (
    <Link to="/settings/clusters" className={styles['manage']}>
      <Settings size={16} aria-hidden />
      {say('manage')}
    </Link>
  )
  return (
    <Page title={say('title')} lead={say('lead')} actions={manage}>
      <Loaded query={clusters}>
        {({ items, problem }) =>
          items.length === 0 ? (
            <Empty title={say('none')} />
          ) : (
            <>
              {problem && <Callout tone="bad">{problem.text}</Callout>}
              {items.map((each) => (
                <ClusterCard key={each.server} cluster={each} />
              ))}
            </>
          )
        }
      </Loaded>
    </Page>
  )
}

const MARKS = { up: ['good', CheckCircle2], down: ['bad', XCircle], unknown: ['idle', HelpCircle] } as const

function ClusterCard({ cluster }: { cluster: Cluster }) {
  const say = useWords(words)
  const state = stateOf(cluster)
  const [tone, icon] = MARKS[state]
  const name = cluster.name || cluster.server
  return (
    <Card aria-label={name}>
      <div className={styles['head']}>
        <h2>{name}</h2>
        <Mark tone={tone} icon={icon}>
          {say(state)}
        </Mark>
      </div>
      {state === 'down' && cluster.connectionState?.message && (
        <Callout tone="bad">{cluster.connectionState.message}</Callout>
      )}
      <Facts cluster={cluster} />
      {state !== 'down' && <Nodes server={cluster.server} />}
    </Card>
  )
}

function Facts({ cluster }: { cluster: Cluster }) {
  const say = useWords(words)
  const { engine, info } = cluster
  const applications = `/applications?cluster=${encodeURIComponent(cluster.name || cluster.server)}`
  const facts = [
    [say('server'), cluster.server],
    [say('version'), engine?.version || info?.serverVersion],
    [
      say('applications'),
      <Link key="to" to={applications}>
        {String(info?.applicationsCount ?? 0)}
      </Link>,
    ],
    [say('namespaces'), cluster.namespaces?.join(', ')],
  ] as const
  return (
    <dl className={styles['facts']}>
      {facts
        .filter(([, value]) => value)
        .map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      {engine?.up && <Watching engine={engine} />}
      {!engine && <p className={styles['faint']}>{say('no-engine')}</p>}
    </dl>
  )
}

function Watching({ engine }: { engine: Watched }) {
  const say = useWords(words)
  const language = useLanguage()
  const duration = useDuration()
  const { inFlight, waiting, window, throttled } = engine
  const facts = [
    [say('objects'), engine.objects.toLocaleString(language)],
    [say('events'), engine.events.toLocaleString(language)],
    [
      say('requests'),
      say('requests-text', { inFlight, waiting, window }) + (throttled ? ` (${say('slow', { n: throttled })})` : ''),
    ],
    [
      say('usual'),
      engine.usualSeconds < 1 ? `${Math.round(engine.usualSeconds * 1000)} ms` : duration(engine.usualSeconds),
    ],
  ] as const
  return facts.map(([title, value]) => (
    <div key={title}>
      <dt>{title}</dt>
      <dd>{value}</dd>
    </div>
  ))
}
