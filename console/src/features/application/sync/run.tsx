import { useEffect, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import { Ago, Button, CommandHint, Loaded, Status, useDuration, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useOperationInWaves } from '../application'
import { type Application, revisionsOf, shortRevision } from '../model'
import { useMayHere } from '../queries'
import { LongText } from '../why/long-text'
import { useBegun, useTerminate } from './api'
import { Board } from './board'
import { nextTryAt, type OperationState, triesOf } from './operation'
import { type Column, fillIn, isRunning, type Waves } from './plan'
import { columnsOfObjects } from './request'
import styles from './run.module.css'
import { observe, type Spans } from './spans'
import { words } from './words'

/** The operation under way or last run, as its plan filled in with what became of each object. */
export function Run({ application, state }: { application: Application; state: OperationState }) {
  const operation = useOperationInWaves(application.metadata, state)
  return <Loaded query={operation}>{(whole) => <Operation application={application} {...whole} />}</Loaded>
}

function Operation({ application, state, waves }: { application: Application; state: OperationState; waves: Waves }) {
  const say = useWords(words)
  const { name, namespace } = application.metadata
  const [, setParams] = useSearchParams()
  const goesOn = isRunning(state)
  const revision = revisionsOf(state.syncResult).join(',') || (state.operation?.sync?.revision ?? '')
  const begun = useBegun({ name, namespace }, state.startedAt ?? '', revision, goesOn)
  const now = useNow(goesOn)
  const columns = fillIn(columnsOfObjects(begun.data ?? [], state.operation?.sync?.resources), state, waves)
  const spans = useSpans(state, columns)
  return (
    <section className={styles['run']} aria-label={say(titleOf(state))}>
      <div className={styles['head']}>
        <div className={styles['title']}>
          <h2>{say(titleOf(state))}</h2>
          <Status value={state.phase} variant="chip" />
        </div>
        <Facts state={state} revision={revision} now={now} />
        {state.message && (
          <p className={styles['message']}>
            <LongText text={state.message} />
          </p>
        )}
        <Retry state={state} now={now} />
      </div>
      <Board columns={columns} spans={spans} now={now} />
      {goesOn ? (
        <Terminate application={application} />
      ) : (
        <div>
          <Button look="primary" onClick={() => setParams({}, { replace: true })}>
            {say('plan-again')}
          </Button>
        </div>
      )}
    </section>
  )
}

function titleOf(state: OperationState) {
  const what = state.operation?.sync?.dryRun ? 'dry-run' : 'sync'
  return `${isRunning(state) ? 'running' : 'last'}-${what}` as const
}

function Facts({ state, revision, now }: { state: OperationState; revision: string; now: number }) {
  const say = useWords(words)
  const duration = useDuration()
  const by = state.operation?.initiatedBy
  const end = isRunning(state) ? now : Date.parse(state.finishedAt ?? '')
  const took = (end - Date.parse(state.startedAt ?? '')) / 1000
  const tries = triesOf(state)
  const count = state.retryCount ?? 0
  return (
    <p className={styles['facts']}>
      <code>{revision.split(',').map(shortRevision).join(', ')}</code>
      <Ago at={state.startedAt} />
      <span>{by?.username ? say('by-user', { who: by.username }) : say('by-automation')}</span>
      {took >= 0 && <span>{say(isRunning(state) ? 'since' : 'lasted', { time: duration(took) })}</span>}
      {count > 0 && (
        <span>{tries === null ? say('retried', { count }) : say('retried-of', { count, limit: tries })}</span>
      )}
    </p>
  )
}

function Retry({ state, now }: { state: OperationState; now: number }) {
  const say = useWords(words)
  const duration = useDuration()
  const at = nextTryAt(state)
  if (at === null) return null
  const limit = triesOf(state)
  const count = state.retryCount ?? 1
  const time = duration(Math.ceil((at - now) / 1000))
  const text =
    at <= now
      ? say('retry-now')
      : limit === null
        ? say('retry-endless', { count, time })
        : say('retry', { count, limit, time })
  return (
    <p className={styles['retry']} role="status">
      {text}
    </p>
  )
}

function Terminate({ application }: { application: Application }) {
  const say = useWords(words)
  const notes = useNotes()
  const { name, namespace } = application.metadata
  const { may, permission } = useMayHere(application, 'sync')
  const terminate = useTerminate({ name, namespace })
  const end = () =>
    terminate.mutate(undefined, {
      onSuccess: () => notes.said(say('terminated', { name })),
      onError: notes.failed,
    })
  return (
    <div className={styles['end']}>
      <Button
        look="danger"
        title={say('terminate-text')}
        reason={may === false ? say('lacks-permission', { permission }) : undefined}
        disabled={terminate.isPending || application.status?.operationState?.phase === 'Terminating'}
        onClick={end}
      >
        {say('terminate')}
      </Button>
      <CommandHint
        cli={`haori app terminate-op ${name}`}
        api={`DELETE /api/v1/applications/${name}/operation?appNamespace=${namespace}`}
      />
    </div>
  )
}

/** The time, a second at a time while something goes on. */
function useNow(goesOn: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!goesOn) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [goesOn])
  return now
}

/** Times of waves, gathered over the looks at one try of one operation. */
function useSpans(state: OperationState, columns: readonly Column[]): Spans {
  const of = `${state.startedAt} ${state.retryCount ?? 0}`
  const kept = useRef<{ of: string; spans: Spans }>({ of, spans: {} })
  const before = kept.current.of === of ? kept.current.spans : {}
  const startedAt = state.retryCount ? null : Date.parse(state.startedAt ?? '')
  kept.current = { of, spans: observe(before, columns, Date.now(), startedAt) }
  return kept.current.spans
}
