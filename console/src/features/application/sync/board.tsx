import {
  Check,
  CircleDashed,
  LoaderCircle,
  type LucideIcon,
  Minus,
  OctagonX,
  Pencil,
  Plus,
  RefreshCcw,
  SkipForward,
  Trash2,
  Zap,
} from 'lucide-react'
import { Term, useDuration } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { FieldList } from '../diff/fields'
import { objectText } from '../objects'
import { LongText } from '../why/long-text'
import styles from './board.module.css'
import type { Action, Cell, Column, Result, Trial } from './plan'
import { lengthOf, type Spans } from './spans'
import { words } from './words'

const ACTIONS = {
  'create-namespace': ['add', Plus],
  create: ['add', Plus],
  configure: ['change', Pencil],
  replace: ['change', RefreshCcw],
  keep: ['keep', Minus],
  prune: ['remove', Trash2],
  hook: ['hook', Zap],
} as const satisfies Record<Action, readonly [string, LucideIcon]>

const RESULTS = {
  planned: ['idle', CircleDashed],
  waiting: ['idle', CircleDashed],
  running: ['busy', LoaderCircle],
  done: ['good', Check],
  failed: ['bad', OctagonX],
  skipped: ['idle', SkipForward],
  kept: ['idle', Minus],
} as const satisfies Record<Result, readonly [string, LucideIcon]>

export interface Selection {
  without: ReadonlySet<string>
  toggle: (key: string) => void
}

/** A sync as columns, waves from left to right; with `selection` objects have tick boxes, with `spans` waves have times. */
export function Board({
  columns,
  selection,
  spans,
  now = 0,
}: {
  columns: readonly Column[]
  selection?: Selection
  spans?: Spans
  now?: number
}) {
  const say = useWords(words)
  return (
    <ol className={styles['board']} aria-label={say('waves')}>
      {columns.map((column) => (
        <Wave key={column.id} column={column} selection={selection} seconds={lengthOf(spans?.[column.id], now)} />
      ))}
    </ol>
  )
}

function Wave({
  column,
  selection,
  seconds,
}: {
  column: Column
  selection: Selection | undefined
  seconds: number | null
}) {
  const say = useWords(words)
  const duration = useDuration()
  const { phase, wave, result, cells } = column
  const quiet = cells.filter(isQuiet)
  const told = cells.filter((cell) => !quiet.includes(cell))
  const word = `phase-${phase}` as Parameters<typeof say>[0]
  return (
    <li className={`${styles['wave']} ${styles[result]}`}>
      <div className={styles['head']}>
        <h3>{say(word)}</h3>
        {phase !== 'Namespace' && (
          <Term name="wave">{wave === null ? say('wave-unknown') : say('wave', { number: wave })}</Term>
        )}
        <span className={styles['outcome']}>
          {result !== 'planned' && <Mark result={result} />}
          {seconds !== null && (
            <span className={styles['time']}>
              {say(result === 'running' ? 'since' : 'took', { time: duration(seconds) })}
            </span>
          )}
        </span>
      </div>
      <ul className={styles['cells']}>
        {told.map((cell) => (
          <Item key={`${cell.key} ${cell.hook}`} cell={cell} selection={selection} />
        ))}
      </ul>
      {quiet.length > 0 && (
        <details className={styles['quiet']}>
          <summary>{say('more-unchanged', { count: quiet.length })}</summary>
          <ul className={styles['cells']}>
            {quiet.map((cell) => (
              <Item key={cell.key} cell={cell} selection={selection} />
            ))}
          </ul>
        </details>
      )}
    </li>
  )
}

/** What stays as it is and is not refused needs no telling. */
function isQuiet({ action, result, tried }: Cell): boolean {
  return action === 'keep' && (result === 'planned' || result === 'done') && tried?.isAccepted !== false
}

/** Characters of what the cluster says that a narrow cell has room for. */
const MESSAGE = 140

function Item({ cell, selection }: { cell: Cell; selection: Selection | undefined }) {
  const say = useWords(words)
  const isOut = selection?.without.has(cell.key) ?? false
  const canChoose = selection && cell.action !== 'hook' && cell.action !== 'create-namespace'
  return (
    <li className={`${styles['cell']} ${isOut ? styles['out'] : ''}`}>
      <div className={styles['line']}>
        {canChoose && (
          <input
            type="checkbox"
            checked={!isOut}
            onChange={() => selection.toggle(cell.key)}
            aria-label={say('include', { object: objectText(cell) })}
          />
        )}
        <span className={styles['name']}>
          <span className={styles['kind']}>{cell.kind}</span>
          {cell.name}
        </span>
        {cell.result === 'planned' ? <ActionMark action={cell.action} /> : <Mark result={cell.result} />}
      </div>
      {cell.message && (
        <p className={cell.result === 'failed' ? styles['bad'] : styles['message']}>
          <LongText text={cell.message} most={MESSAGE} />
        </p>
      )}
      {cell.tried && <Tried trial={cell.tried} />}
      {cell.needsApproval && <p className={styles['message']}>{say('needs-approval')}</p>}
      {cell.differences.length > 0 && (
        <details className={styles['fields']}>
          <summary>{say('fields-of', { count: cell.differences.length })}</summary>
          <FieldList differences={cell.differences} />
        </details>
      )}
    </li>
  )
}

/** What a dry run found of an object; what the cluster says of one that it accepts is in the title. */
function Tried({ trial: { isAccepted, message } }: { trial: Trial }) {
  const say = useWords(words)
  const Icon = isAccepted ? Check : OctagonX
  return (
    <div className={styles['tried']} title={isAccepted ? message : undefined}>
      <span className={`${styles['mark']} ${styles[isAccepted ? 'good' : 'bad']}`}>
        <Icon size={14} aria-hidden /> {say(isAccepted ? 'tried-good' : 'tried-bad')}
      </span>
      {!isAccepted && (
        <p className={styles['bad']}>
          <LongText text={message} most={MESSAGE} />
        </p>
      )}
    </div>
  )
}

/** What a sync does to an object. */
function ActionMark({ action }: { action: Action }) {
  const say = useWords(words)
  const [tone, Icon] = ACTIONS[action]
  return (
    <span className={`${styles['action']} ${styles[tone]}`}>
      <Icon size={12} aria-hidden /> {say(`action-${action}`)}
    </span>
  )
}

/** What became of an object or a wave. */
export function Mark({ result }: { result: Result }) {
  const say = useWords(words)
  const [tone, Icon] = RESULTS[result]
  return (
    <span className={`${styles['mark']} ${styles[tone]}`}>
      <Icon size={14} aria-hidden className={result === 'running' ? 'turning' : undefined} />
      {say(`result-${result}`)}
    </span>
  )
}
