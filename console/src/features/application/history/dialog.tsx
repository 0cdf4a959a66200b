import { useState } from 'react'
import { useNavigate } from 'react-router'
import { Button, Callout, Choice, CommandHint, Dialog, Empty, Field, Loaded, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useOperation } from '../application'
import { type Application, automatedOf, type HistoryEntry, revisionsOf, shortRevision } from '../model'
import { useMayHere } from '../queries'
import { usePlan } from '../sync/api'
import { isRunning } from '../sync/plan'
import { Planned } from '../sync/planned'
import { type Release, useRollback } from './api'
import styles from './dialog.module.css'
import { bodyOf, type Chosen, commandOf, hooksBeingLeft, operationOf, releaseNamed, type Way } from './rollback'
import { words } from './words'

/**
 * Going back to a release: how, for how long and why, what it would do, and what it does not undo. It stays with the release
 * that was named when it opened: `before` names another as soon as the way back has begun.
 */
export function RollbackDialog({
  application,
  named,
  releases,
  onClose,
}: {
  application: Application
  named: string
  releases: readonly Release[]
  onClose: () => void
}) {
  const say = useWords(words)
  const [entry] = useState(() => releaseNamed(application, named))
  const release = releases.find((each) => each.id === entry?.id)
  if (entry) return <Going application={application} entry={entry} release={release} onClose={onClose} />
  return (
    <Dialog title={say('rollback-missing')} onClose={onClose}>
      <Empty title={say('rollback-missing')}>
        <p>{say('rollback-missing-text')}</p>
      </Empty>
    </Dialog>
  )
}

function Going({
  application,
  entry,
  release,
  onClose,
}: {
  application: Application
  entry: HistoryEntry
  release: Release | undefined
  onClose: () => void
}) {
  const say = useWords(words)
  const { name, namespace } = application.metadata
  const revision = revisionsOf(entry).map(shortRevision).join(', ')
  const isAutomated = automatedOf(application) !== null
  const [chosen, setChosen] = useState<Chosen>({ id: entry.id, way: 'pin', reason: '', duration: '', prune: false })
  const change = (to: Partial<Chosen>) => setChosen({ ...chosen, ...to })
  const { may, permission } = useMayHere(application, 'rollback')
  const busy = chosen.way === 'pin' && isRunning(application.status?.operationState) ? say('busy') : undefined
  const lack = may === false ? say('lacks-permission', { permission }) : undefined
  const { go, isPending } = useGoing(application, revision, onClose)
  const prunes = isAutomated ? (automatedOf(application)?.prune ?? false) : chosen.prune
  return (
    <Dialog
      look="wide"
      title={say('rollback-title', { name, revision })}
      onClose={onClose}
      footer={
        <>
          {(lack ?? busy) && <span className={styles['reason']}>{lack ?? busy}</span>}
          <Button onClick={onClose}>{say('cancel')}</Button>
          <Button look="primary" reason={lack ?? busy} disabled={isPending} onClick={() => go(chosen)}>
            {say('go')}
          </Button>
        </>
      }
    >
      <div className={styles['body']}>
        <p className={styles['of']}>
          {say('rollback-of', { id: entry.id })}
          {release?.commit && <strong> {release.commit.message}</strong>}
        </p>
        <div className={styles['choices']}>
          <Ways way={chosen.way} onChange={(way) => change({ way })} />
          <Terms chosen={chosen} change={change} canPrune={!isAutomated} />
        </div>
        <Hooks application={application} />
        <Preview application={application} entry={entry} prune={prunes} />
        <CommandHint
          cli={commandOf(name, chosen)}
          api={`POST /api/haori/v1/applications/${name}/rollback?appNamespace=${namespace} ${JSON.stringify(bodyOf(chosen))}`}
        />
      </div>
    </Dialog>
  )
}

function useGoing(application: Application, revision: string, onClose: () => void) {
  const say = useWords(words)
  const notes = useNotes()
  const navigate = useNavigate()
  const { name, namespace } = application.metadata
  const rollback = useRollback({ name, namespace })
  const go = (chosen: Chosen) =>
    rollback.mutate(bodyOf(chosen), {
      onSuccess: ({ commits }) => {
        if (chosen.way === 'pin') notes.said(say('done-pin', { name, revision }))
        else if (commits?.[0]) notes.said(say('done-git', { name, revision: shortRevision(commits[0].revision) }))
        else notes.said(say('done-nothing'))
        onClose()
        void navigate(`/applications/${namespace}/${name}/sync?view=last`)
      },
      onError: notes.failed,
    })
  return { go, isPending: rollback.isPending }
}

const WAYS = ['pin', 'git'] as const

function Ways({ way, onChange }: { way: Way; onChange: (way: Way) => void }) {
  const say = useWords(words)
  return (
    <fieldset className={styles['ways']}>
      <legend>{say('way')}</legend>
      {WAYS.map((each) => (
        <Choice
          key={each}
          type="radio"
          name="way"
          label={say(`way-${each}`)}
          text={say(`way-${each}-text`)}
          checked={way === each}
          onChange={() => onChange(each)}
        />
      ))}
    </fieldset>
  )
}

const DURATIONS = ['30m', '2h', '8h', '24h', '72h'] as const

function Terms({
  chosen,
  change,
  canPrune,
}: {
  chosen: Chosen
  change: (to: Partial<Chosen>) => void
  canPrune: boolean
}) {
  const say = useWords(words)
  return (
    <div className={styles['terms']}>
      <Field label={say('reason')} hint={say('reason-hint')}>
        <input value={chosen.reason} maxLength={500} onChange={(event) => change({ reason: event.target.value })} />
      </Field>
      {chosen.way === 'pin' && (
        <Field label={say('duration')} hint={say('duration-hint')}>
          <select value={chosen.duration} onChange={(event) => change({ duration: event.target.value })}>
            <option value="">{say('duration-open')}</option>
            {DURATIONS.map((each) => (
              <option key={each} value={each}>
                {say(`duration-${each}`)}
              </option>
            ))}
          </select>
        </Field>
      )}
      {chosen.way === 'pin' && canPrune && (
        <Choice
          label={say('prune')}
          checked={chosen.prune}
          onChange={(event) => change({ prune: event.target.checked })}
        />
      )}
    </div>
  )
}

/** Nothing where no sync has ever run. */
function Hooks({ application }: { application: Application }) {
  const { operationState } = application.status ?? {}
  const operation = useOperation(application.metadata, operationState)
  if (!operationState) return null
  return <Loaded query={operation}>{(state) => <HooksOf hooks={hooksBeingLeft(state)} />}</Loaded>
}

function HooksOf({ hooks }: { hooks: readonly string[] }) {
  const say = useWords(words)
  if (hooks.length === 0) return null
  return (
    <Callout tone="warn">
      <strong>{say('hooks')}</strong>
      <p>{say('hooks-text')}</p>
      <ul>
        {hooks.map((hook) => (
          <li key={hook}>{hook}</li>
        ))}
      </ul>
    </Callout>
  )
}

function Preview({ application, entry, prune }: { application: Application; entry: HistoryEntry; prune: boolean }) {
  const say = useWords(words)
  const { may } = useMayHere(application, 'sync')
  const plan = usePlan(application.metadata, operationOf(entry, prune), may)
  return <Planned query={plan} title={say('preview')} />
}
