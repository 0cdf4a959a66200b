import { Ago, Status, Term } from '@/shared/ui'
import { useWords } from '@/shared/words'
import styles from './header.module.css'
import { type Application, revisionsOf, shortRevision, sourcesOf } from './model'
import { words } from './words'

/** What an application is and how it does, on one line: marks first, then where it comes from and where it runs. */
export function Facts({ application }: { application: Application }) {
  const say = useWords(words)
  const { spec, status } = application
  const state = status?.operationState
  const { server, name, namespace } = spec.destination
  return (
    <dl className={styles['facts']}>
      <div className={styles['mark']}>
        <dt>
          <Term name="sync">{say('sync')}</Term>
        </dt>
        <dd>
          <Status value={status?.sync?.status ?? 'Unknown'} variant="chip" />
        </dd>
      </div>
      <div className={styles['mark']}>
        <dt>
          <Term name="health">{say('health')}</Term>
        </dt>
        <dd>
          <Status value={status?.health?.status ?? 'Unknown'} variant="chip" />
        </dd>
      </div>
      {state && (
        <div className={styles['mark']}>
          <dt>{say('operation')}</dt>
          <dd>
            <Status value={state.phase} variant="chip" />{' '}
            <span className={styles['quiet']}>
              {state.operation?.sync?.dryRun && `${say('dry-run')} · `}
              <Ago at={state.finishedAt ?? state.startedAt} />
            </span>
          </dd>
        </div>
      )}
      <div>
        <dt>
          <Term name="revision">{say('revision')}</Term>
        </dt>
        <dd>
          <Revision application={application} />
        </dd>
      </div>
      <div>
        <dt>
          <Term name="project">{say('project')}</Term>
        </dt>
        <dd>{spec.project || 'default'}</dd>
      </div>
      <div>
        <dt>{say('destination')}</dt>
        <dd title={server}>{[name || clusterName(server), namespace].filter(Boolean).join(' / ')}</dd>
      </div>
    </dl>
  )
}

/** The cluster an application itself runs in is called by the name that everybody gives it. */
function clusterName(server: string | undefined): string {
  return server === 'https://kubernetes.default.svc' ? 'in-cluster' : (server ?? '').replace(/^https?:\/\//, '')
}

function Revision({ application }: { application: Application }) {
  const say = useWords(words)
  const revisions = revisionsOf(application.status?.sync)
  const sources = sourcesOf(application)
  const wanted = sources.length === 1 ? sources[0]?.targetRevision || 'HEAD' : say('sources', { n: sources.length })
  if (revisions.length === 0) return <span>{wanted}</span>
  return (
    <>
      <code title={revisions.join('\n')}>{revisions.map(shortRevision).join(', ')}</code>{' '}
      <span className={styles['quiet']}>({wanted})</span>
    </>
  )
}
