import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { useAddress } from '@/shared/address'
import { Button, Choice, CommandHint, Field, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useOperation } from '../application'
import { type Application, sourcesOf } from '../model'
import { useMayHere } from '../queries'
import { usePlan, useSync } from './api'
import { type Column, isRunning } from './plan'
import { Planned } from './planned'
import styles from './planner.module.css'
import {
  type Choices,
  chosenColumns,
  chosenObjects,
  commandOf,
  isTrialOf,
  operationOf,
  requestOf,
  SWITCHES,
  type Switch,
} from './request'
import { words } from './words'

/** The plan of a sync with all that can be chosen of it; nothing happens until the reader says so. */
export function Planner({
  application,
  without,
  setWithout,
}: {
  application: Application
  without: ReadonlySet<string>
  setWithout: (to: ReadonlySet<string>) => void
}) {
  const say = useWords(words)
  const app = application.metadata
  const { may, permission } = useMayHere(application, 'sync')
  const [choices, change] = useChoices(without, setWithout)
  const own = application.spec.syncPolicy?.syncOptions ?? []
  const operation = operationOf(choices, own)
  const plan = usePlan(app, operation, may)
  const last = application.status?.operationState
  const trial = useOperation(app, last && isTrialOf(last, operation, own) ? last : undefined)
  return (
    <div className={styles['planner']}>
      <Options choices={choices} change={change} target={sourcesOf(application)[0]?.targetRevision || 'HEAD'} />
      <Planned
        query={plan}
        title={say('plan-title')}
        heading="h2"
        trial={trial.data}
        selection={{ without: choices.without, toggle: (key) => change({ without: toggled(choices.without, key) }) }}
      >
        {({ refusals, invalid }, columns) => (
          <Go
            application={application}
            choices={choices}
            columns={columns}
            reason={may === false ? say('lacks-permission', { permission }) : ''}
            isRefused={refusals.length + invalid.length > 0}
            clear={() => change({ without: new Set() })}
          />
        )}
      </Planned>
    </div>
  )
}

/** Switches and revision stand in the URL; ticks are of this very plan, so they go when the page does. */
function useChoices(
  without: ReadonlySet<string>,
  setWithout: (to: ReadonlySet<string>) => void,
): [Choices, (change: Partial<Choices>) => void] {
  const { params, put } = useAddress()
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
          <Choice
            key={each}
            label={say(`option-${each}`)}
            text={say(`option-${each}-text`)}
            checked={choices.switches.has(each)}
            onChange={() => flip(each)}
          />
        ))}
      </div>
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
  const before = application.status?.operationState?.startedAt ?? ''
  const own = application.spec.syncPolicy?.syncOptions ?? []
  const chosen = chosenObjects(columns, choices.without)
  const why =
    reason ||
    (isRunning(application.status?.operationState) && say('busy')) ||
    (isRefused && say('refused')) ||
    (chosen?.length === 0 && say('none-chosen')) ||
    undefined
  const sync = useSync({ name, namespace }, before, (dryRun) => {
    notes.said(say(dryRun ? 'asked-dry' : 'asked', { name }))
    if (!dryRun) setParams({ view: 'last' }, { replace: true })
  })
  const begin = (dryRun: boolean) =>
    sync.mutate(
      { body: requestOf(choices, own, columns, dryRun), columns: chosenColumns(columns, choices.without) },
      { onError: notes.failed },
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
