import { Check, Clock, X } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { ApiError } from '@/shared/api/client'
import type { Row } from '@/shared/api/types'
import { Button, CommandHint, Dialog } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { keyOf, placeOf } from './api'
import { type Action, act, type Choice, commandOf, type Outcomes, runAll } from './bulk'
import styles from './bulk.module.css'
import { words } from './words'

const PLAIN: Choice = { prune: false, dryRun: false }

function useRun(action: Action, rows: readonly Row[], choice: Choice) {
  const [outcomes, setOutcomes] = useState<Outcomes>(new Map())
  const [stage, setStage] = useState<'asked' | 'running' | 'done'>('asked')
  const start = async () => {
    setStage('running')
    await runAll(
      rows,
      (row) => act(action, row, choice),
      (key, outcome) => setOutcomes((before) => new Map(before).set(key, outcome)),
    )
    setStage('done')
  }
  return { outcomes, stage, start }
}

/** One action on many applications: what will happen, the same as a command, then each one's outcome. */
export function BulkDialog({ action, rows, onClose }: { action: Action; rows: readonly Row[]; onClose: () => void }) {
  const say = useWords(words)
  const [choice, setChoice] = useState(PLAIN)
  const { outcomes, stage, start } = useRun(action, rows, choice)
  const failed = [...outcomes.values()].filter((each) => each !== null).length
  const title =
    rows.length === 1
      ? say(`${action}-title-one`, { name: rows[0]?.name ?? '' })
      : say(`${action}-title`, { n: rows.length })
  const footer =
    stage === 'asked' ? (
      <>
        <Button onClick={onClose}>{say('cancel')}</Button>
        <Button look="primary" onClick={() => void start()}>
          {say(`start-${action}`)}
        </Button>
      </>
    ) : (
      <Button look="primary" onClick={onClose}>
        {say('close')}
      </Button>
    )
  return (
    <Dialog title={title} onClose={onClose} footer={footer}>
      <div className={styles['body']}>
        <p>{say(`${action}-about`)}</p>
        {action === 'sync' && stage === 'asked' && <Choices choice={choice} onChange={setChoice} />}
        {stage !== 'asked' && (
          <div role="status">
            <progress className={styles['progress']} max={rows.length} value={outcomes.size} aria-label={title} />
            <p>{say('progress', { done: outcomes.size, total: rows.length, failed })}</p>
          </div>
        )}
        <ul className={styles['rows']}>
          {rows.map((row) => (
            <li key={keyOf(row)}>
              <Link to={placeOf(row)}>{row.name}</Link>
              {stage !== 'asked' && (
                <Outcome action={action} isKnown={outcomes.has(keyOf(row))} error={outcomes.get(keyOf(row))} />
              )}
            </li>
          ))}
        </ul>
        <CommandHint {...commandOf(action, rows, choice)} />
      </div>
    </Dialog>
  )
}

function Choices({ choice, onChange }: { choice: Choice; onChange: (choice: Choice) => void }) {
  const say = useWords(words)
  return (
    <div className={styles['choices']}>
      {(['prune', 'dry-run'] as const).map((name) => {
        const field = name === 'prune' ? 'prune' : 'dryRun'
        return (
          <label key={name}>
            <input
              type="checkbox"
              checked={choice[field]}
              onChange={(event) => onChange({ ...choice, [field]: event.target.checked })}
            />{' '}
            {say(name)}
          </label>
        )
      })}
    </div>
  )
}

function Outcome({ action, isKnown, error }: { action: Action; isKnown: boolean; error: unknown }) {
  const say = useWords(words)
  if (!isKnown) {
    return (
      <span className={styles['waits']}>
        <Clock size={14} aria-hidden /> {say('outcome-waits')}
      </span>
    )
  }
  if (error === null) {
    return (
      <span className={styles['good']}>
        <Check size={14} aria-hidden /> {say(`outcome-${action}`)}
      </span>
    )
  }
  const hint = error instanceof ApiError ? error.hint : ''
  return (
    <span className={styles['bad']} title={hint}>
      <X size={14} aria-hidden /> {error instanceof Error ? error.message : String(error)}
    </span>
  )
}
