/**
 * A sync as columns: each phase and wave is one, its objects are the cells. The same columns show what a sync would do,
 * what a running one has done so far, and what the last one did: results of `operationState` are filled into the plan.
 */
import { type ObjectName, objectKey } from '../objects'
import type { OperationState, ResultRow } from './operation'

export type Action = 'create-namespace' | 'create' | 'configure' | 'replace' | 'keep' | 'prune' | 'hook'

export interface Difference {
  path: string
  desired: unknown
  live: unknown
  /** The field manager that owns the live value; empty where it is ours or nobody's. */
  manager: string
  /** When that manager last wrote the object; empty where that is not known. */
  time?: string
  masked: boolean
}

export interface Step extends ObjectName {
  action: Action
  hook: string | null
  needsApproval: boolean
  differences: Difference[]
}

export interface Wave {
  phase: string
  wave: number
  steps: Step[]
}

interface Problem {
  code: string
  text: string
}

/** What the server plans (`…/plan`): nothing of it has happened yet. */
export interface Plan {
  namespace: string | null
  waves: Wave[]
  onFailure: Wave[]
  refusals: Problem[]
  invalid: (Problem & { object: string })[]
  skipped: { object: string; reason: string }[]
  dryRun: boolean
  revision: string
}

export type Result = 'planned' | 'waiting' | 'running' | 'done' | 'failed' | 'skipped' | 'kept'

export interface Cell extends Step {
  key: string
  result: Result
  message: string
  /** What the cluster said when the last dry run asked it of this object; absent where it was not asked. */
  tried?: Trial
}

export interface Trial {
  isAccepted: boolean
  message: string
}

export interface Column {
  id: string
  phase: string
  /** null: what is in it was part of the operation, and nothing says in which wave. */
  wave: number | null
  cells: Cell[]
  result: Result
}

/** The plan's columns; of a namespace that is made first the very first. */
export function columnsOf(plan: Plan): Column[] {
  const first: Wave[] = plan.namespace ? [{ phase: 'Namespace', wave: 0, steps: [namespaceStep(plan.namespace)] }] : []
  return [...first, ...plan.waves].map((wave) => columnOf(wave))
}

function namespaceStep(name: string): Step {
  const object = { group: '', kind: 'Namespace', namespace: '', name }
  return { ...object, action: 'create-namespace', hook: null, needsApproval: false, differences: [] }
}

function columnOf({ phase, wave, steps }: Wave): Column {
  const cells = steps.map((step) => ({ ...step, key: objectKey(step), result: 'planned' as const, message: '' }))
  return { id: `${phase} ${wave}`, phase, wave, cells, result: 'planned' }
}

/** Waves of objects by `objectKey`. */
export type Waves = ReadonlyMap<string, number>

/** The waves of the objects that an application has, as its status tells them; what is in wave 0 is told without. */
export function wavesOf(resources: readonly (Partial<ObjectName> & { syncWave?: number })[]): Waves {
  return new Map(resources.map((each) => [objectKey(each), each.syncWave ?? 0]))
}

/**
 * The columns with what an operation has done so far. Objects that the plan does not know (there is none any more, or it
 * was made anew meanwhile) stand in the wave that the application tells of them (`waves`), else in a last column of their
 * phase whose wave is not known.
 */
export function fillIn(columns: readonly Column[], state: OperationState, waves: Waves = new Map()): Column[] {
  const rows = new Map((state.syncResult?.resources ?? []).map((row) => [rowKey(row), row]))
  const isOver = !isRunning(state)
  const filled = columns.map((column) => {
    const cells = column.cells.map((cell) => {
      const row = rows.get(cellKey(cell, column))
      if (row) rows.delete(rowKey(row))
      return row ? fillCell(cell, row, isOver) : { ...cell, result: isOver ? notReached(cell) : ('waiting' as const) }
    })
    return { ...column, cells, result: resultOf(cells) }
  })
  return addUnplanned(filled, [...rows.values()], isOver, waves)
}

/** Results of a namespace made first stand with those before the sync. */
const NAMED: Readonly<Record<string, string>> = { Namespace: 'PreSync' }

/** In sync already, so that nothing had to be sent; all else was not reached. */
const notReached = (cell: Cell): Result => (cell.action === 'keep' ? 'done' : 'skipped')

/** The key of a cell's result. */
function cellKey(cell: Cell, column: Column): string {
  return `${NAMED[column.phase] ?? column.phase} ${cell.key}`
}

function rowKey(row: ResultRow): string {
  return `${row.syncPhase ?? 'Sync'} ${objectKey(row)}`
}

function addUnplanned(columns: Column[], rows: readonly ResultRow[], isOver: boolean, waves: Waves): Column[] {
  const found = new Map(columns.map((column) => [column.id, column]))
  for (const row of rows) {
    const { phase, wave } = placeOf(row, waves)
    const id = `${phase} ${wave ?? 'unknown'}`
    const cells = [...(found.get(id)?.cells ?? []), fillCell(cellOfRow(row), row, isOver)]
    found.set(id, { id, phase, wave, cells, result: resultOf(cells) })
  }
  return [...found.values()].sort((a, b) => orderOf(a.phase) - orderOf(b.phase) || waveOrder(a.wave, b.wave))
}

function placeOf(row: ResultRow, waves: Waves): { phase: string; wave: number | null } {
  const phase = row.syncPhase ?? 'Sync'
  if (phase === 'PreSync' && row.kind === 'Namespace' && !row.hookType) return { phase: 'Namespace', wave: 0 }
  return { phase, wave: waves.get(objectKey(row)) ?? null }
}

const PHASES = ['Namespace', 'PreSync', 'Sync', 'PostSync', 'SyncFail']
const orderOf = (phase: string) => PHASES.indexOf(phase)

/** What is not known comes last. */
function waveOrder(a: number | null, b: number | null): number {
  return a === b ? 0 : a === null ? 1 : b === null ? -1 : a - b
}

function cellOfRow(row: ResultRow): Cell {
  // Whether it changed anything is not told: as changed it is listed, with what the cluster said.
  const action: Action = row.hookType ? 'hook' : row.status?.startsWith('Prune') ? 'prune' : 'configure'
  return {
    ...nameOf(row),
    action,
    hook: row.hookType ?? null,
    needsApproval: false,
    differences: [],
    key: objectKey(row),
    result: 'planned',
    message: '',
  }
}

function nameOf({ group, kind, namespace, name }: ObjectName): ObjectName {
  return { group: group ?? '', kind, namespace: namespace ?? '', name }
}

function fillCell(cell: Cell, row: ResultRow, isOver: boolean): Cell {
  return { ...cell, result: rowResult(row, isOver), message: row.message ?? '' }
}

const ENDED_BADLY = ['Failed', 'Error', 'Terminating']

/** An object that was applied still counts as running until it is healthy, or until the operation is over. */
export function rowResult(row: ResultRow, isOver: boolean): Result {
  if (row.status === 'SyncFailed' || ENDED_BADLY.includes(row.hookPhase ?? '')) return 'failed'
  if (row.status === 'PruneSkipped') return 'kept'
  if (row.hookPhase === 'Succeeded' || row.status === 'Pruned') return 'done'
  if (row.hookPhase === 'Running') return isOver ? (row.hookType ? 'skipped' : 'done') : 'running'
  return row.status === 'Synced' ? 'done' : 'waiting'
}

function resultOf(cells: readonly Cell[]): Result {
  const has = (result: Result) => cells.some((cell) => cell.result === result)
  if (has('failed')) return 'failed'
  if (has('running')) return 'running'
  if (has('waiting')) return has('done') ? 'running' : 'waiting'
  return has('skipped') && !has('done') ? 'skipped' : 'done'
}

/** The columns of a plan, each cell with what a dry run of it (`state`) found. */
export function withTrial(columns: readonly Column[], state: OperationState): Column[] {
  const rows = new Map((state.syncResult?.resources ?? []).map((row) => [rowKey(row), row]))
  return columns.map((column) => ({ ...column, cells: column.cells.map((cell) => triedCell(cell, column, rows)) }))
}

function triedCell(cell: Cell, column: Column, rows: ReadonlyMap<string, ResultRow>): Cell {
  const row = rows.get(cellKey(cell, column))
  if (!row) return cell
  return { ...cell, tried: { isAccepted: rowResult(row, true) !== 'failed', message: row.message ?? '' } }
}

/** How many objects a dry run found to be accepted, and how many refused. */
export function trialTallyOf(columns: readonly Column[]): { accepted: number; refused: number } {
  const tried = columns.flatMap((column) => column.cells.flatMap((cell) => cell.tried ?? []))
  const accepted = tried.filter((each) => each.isAccepted).length
  return { accepted, refused: tried.length - accepted }
}

/** Whether an operation goes on; one that waits for its next try does. */
export function isRunning(state: OperationState | undefined): boolean {
  return state?.phase === 'Running' || state?.phase === 'Terminating'
}

export type Tally = Record<'create' | 'configure' | 'prune' | 'hook' | 'keep', number>

/** How many objects are made, changed, deleted, run as hooks, left as they are. */
export function tallyOf(columns: readonly Column[]): Tally {
  const tally: Tally = { create: 0, configure: 0, prune: 0, hook: 0, keep: 0 }
  for (const { action } of columns.flatMap((column) => column.cells)) tally[tallied(action)] += 1
  return tally
}

function tallied(action: Action): keyof Tally {
  if (action === 'create-namespace') return 'create'
  return action === 'replace' ? 'configure' : action
}
