import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { useAddress } from '@/shared/address'
import { Button, Callout, CommandHint, Failure, Field, Loading, Term, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type Application, shortRevision, sourcesOf } from '../model'
import { useMayHere } from '../queries'
import { usePlan, useSync } from './api'
import { Board } from './board'
import { type Column, columnsOf, isRunning, type Plan, tallyOf } from './plan'
import styles from './planner.module.css'
import { type Choices, chosenObjects, commandOf, operationOf, requestOf, SWITCHES, type Switch } from './request'
import { words } from './words'

/** The plan of a sync with all that can be chosen of it; nothing happens until the reader says so. */
export function Planner({ application }: { application: Application }) {
  const say = useWords(words)
  const app = application.metadata
  const { may, permission } = useMayHere(application, 'sync')
  const [choices, change] = useChoices()
  const own = application.spec.syncPolicy?.syncOptions ?? []
  const plan = usePlan(app, operationOf(choices, own), may)
  const columns = plan.data ? columnsOf(plan.data) : []
  const toggle = (key: string) => change({ without: toggled(choices.without, key) })
  return (
    <div className={styles['planner']}>
      <Options choices={choices} change={change} target={sourcesOf(application)[0]?.targetRevision || 'HEAD'} />
      <section className={styles['plan']} aria-label={say('plan-title')} aria-busy={plan.isPlaceholderData}>
        {plan.data ? (
          <>
            <Summary plan={plan.data} columns={columns} />
            <Board columns={columns} selection={{ without: choices.without, toggle }} />
            <LeftAlone plan={plan.data} />
            <Go
              application={application}
              choices={choices}
              columns={columns}
              reason={may === false ? say('lacks-permission', { permission }) : ''}
              isRefused={plan.data.refusals.length + plan.data.invalid.length > 0}
              clear={() => change({ without: new Set() })}
            />
          </>
        ) : plan.error ? (
          <Failure error={plan.error} onRetry={() => void plan.refetch()} />
        ) : (
          <Loading />
        )}
      </section>
    </div>
  )
}

/** Switches and revision stand in the URL; ticks are of this very plan, so they go when the page does. */
function useChoices(): [Choices, (change: Partial<Choices>) => void] {
  const { params, put } = useAddress()
  const [without, setWithout] = useState<ReadonlySet<string>>(new Set())
  const named = params.get('options')?.split(',') ?? []
  const choices = {
    switches: new Set(SWITCHES.filter((each) => named.includes(each))),
    without,
    revision: params.get('revision') ?? '',
  }
  const change = (to: Partial<Choices>) => {
    if (to.without) setWithout(to.without)
    if (!to.switches && to.revision === undefined) return
    put({
      ...(to.switches && { options: [...to.switches].join(',') }),
      ...(to.revision !== undefined && { revision: to.revision }),
    })
  }
  return [choices, change]
}

function toggled<Value>(set: ReadonlySet<Value>, value: Value): Set<Value> {
  const next = new Set(set)
  if (!next.delete(value)) next.add(value)
  return next
}

function Options({
  choices,
  change,
  target,
}: {
  choices: Choices
  change: (to: Partial<Choices>) => void
  target: string
}) {
  const say = useWords(words)
  const [revision, setRevision] = useState(choices.revision)
  const flip = (each: Switch) => change({ switches: toggled(choices.switches, each) })
  return (
    <details className={styles['options']} open={choices.switches.size > 0 || choices.revision !== '' || undefined}>
      <summary>{say('options')}</summary>
      <div className={styles['switches']}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            change({ revision: revision.trim() })
          }}
        >
          <Field label={say('revision')} hint={say('revision-hint', { target })}>
            <input
              value={revision}
              onChange={(event) => setRevision(event.target.value)}
              onBlur={() => change({ revision: revision.trim() })}
            />
          </Field>
        </form>
        {SWITCHES.map((each) => (
          <label key={each} className={styles['switch']}>
            <input type="checkbox" checked={choices.switches.has(each)} onChange={() => flip(each)} />
            <span>
              <strong>{say(`option-${each}`)}</strong>
              <span className={styles['explained']}>{say(`option-${each}-text`)}</span>
            </span>
          </label>
        ))}
      </div>
    </details>
  )
}

/** How much a plan does, in numbers, and what forbids it. */
function Summary({ plan, columns }: { plan: Plan; columns: readonly Column[] }) {
  const say = useWords(words)
  const tally = tallyOf(columns)
  const isQuiet = tally.create + tally.configure + tally.prune === 0
  const hooks = isQuiet && tally.hook > 0 ? say('only-hooks', { count: tally.hook }) : ''
  return (
    <div className={styles['summary']}>
      <h2>
        {say('plan-title')}{' '}
        <code>{say('plan-of', { revision: plan.revision.split(',').map(shortRevision).join(', ') })}</code>
      </h2>
      {isQuiet ? (
        <p>{say('nothing-to-do', { hooks })}</p>
      ) : (
        <ul className={styles['tally']}>
          {(['create', 'configure', 'prune', 'hook', 'keep'] as const).map(
            (each) =>
              tally[each] > 0 && (
                <li key={each}>
                  {each === 'prune' || each === 'hook' ? (
                    <Term name={each}>{say(each, { count: tally[each] })}</Term>
                  ) : (
                    say(each, { count: tally[each] })
                  )}
                </li>
              ),
          )}
        </ul>
      )}
      <Problems title={say('refused')} texts={plan.refusals.map((each) => each.text)} />
      <Problems title={say('invalid')} texts={plan.invalid.map((each) => `${each.object}: ${each.text}`)} />
    </div>
  )
}

function Problems({ title, texts }: { title: string; texts: readonly string[] }) {
  if (texts.length === 0) return null
  return (
    <Callout tone="bad" role="alert">
      <strong>{title}</strong>
      <ul>
        {texts.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </Callout>
  )
}

function LeftAlone({ plan }: { plan: Plan }) {
  const say = useWords(words)
  const told = plan.skipped.filter((each) => each.reason !== 'in-sync')
  if (told.length === 0) return null
  return (
    <details className={styles['left']} open={told.length <= 5}>
      <summary>
        {say('left-alone')} ({told.length})
      </summary>
      <ul>
        {told.map(({ object, reason }) => (
          <li key={`${object} ${reason}`}>
            {object} <span>{say(`reason-${reason}` as 'reason-in-sync')}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}

/** The buttons that begin it, and the command that does the same. */
function Go({
  application,
  choices,
  columns,
  reason,
  isRefused,
  clear,
}: {
  application: Application
  choices: Choices
  columns: Column[]
  reason: string
  isRefused: boolean
  clear: () => void
}) {
  const say = useWords(words)
  const notes = useNotes()
  const [, setParams] = useSearchParams()
  const { name, namespace } = application.metadata
  const sync = useSync({ name, namespace })
  const own = application.spec.syncPolicy?.syncOptions ?? []
  const chosen = chosenObjects(columns, choices.without)
  const why =
    reason ||
    (isRunning(application.status?.operationState) && say('busy')) ||
    (isRefused && say('refused')) ||
    (chosen?.length === 0 && say('none-chosen')) ||
    undefined
  const begin = (dryRun: boolean) =>
    sync.mutate(
      { body: requestOf(choices, own, columns, dryRun), columns },
      {
        onSuccess: () => {
          notes.said(say('asked', { name }))
          setParams({ view: 'last' }, { replace: true })
        },
        onError: notes.failed,
      },
    )
  const body = JSON.stringify(requestOf(choices, own, columns, false))
  return (
    <div className={styles['go']}>
      {chosen && (
        <p className={styles['partial']}>
          {say('partial')}{' '}
          <Button look="quiet" onClick={clear}>
            {say('all')}
          </Button>
        </p>
      )}
      <div className={styles['buttons']}>
        <Button look="primary" reason={why} onClick={() => begin(false)} disabled={sync.isPending}>
          {chosen ? say('sync-some', { count: chosen.length }) : say('sync')}
        </Button>
        <Button reason={why} title={say('dry-run-text')} onClick={() => begin(true)} disabled={sync.isPending}>
          {say('dry-run')}
        </Button>
        {why && <span className={styles['reason']}>{why}</span>}
      </div>
      <CommandHint
        cli={commandOf(name, choices, columns)}
        api={`POST /api/v1/applications/${name}/sync?appNamespace=${namespace} ${body}`}
      />
    </div>
  )
}
