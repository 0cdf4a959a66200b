/** What a reader chose for a sync, as an operation to plan, a request to send, and a command to type. */
import { type ObjectName, objectKey } from '../objects'
import type { OperationState, SyncOperation } from './operation'
import { type Cell, type Column, isRunning } from './plan'

export const SWITCHES = ['prune', 'force', 'replace', 'serverSide', 'applyOutOfSyncOnly', 'skipHooks'] as const
export type Switch = (typeof SWITCHES)[number]

export interface Choices {
  switches: ReadonlySet<Switch>
  /** Keys of objects that are left out. */
  without: ReadonlySet<string>
  revision: string
}

const OPTIONS: Partial<Record<Switch, string>> = {
  replace: 'Replace=true',
  serverSide: 'ServerSideApply=true',
  applyOutOfSyncOnly: 'ApplyOutOfSyncOnly=true',
}

/** Options that the reader switches stand beside those of the application, later ones winning. */
function optionsOf(choices: Choices, own: readonly string[]): string[] {
  const chosen = SWITCHES.flatMap((each) => (choices.switches.has(each) && OPTIONS[each] ? [OPTIONS[each]] : []))
  return chosen.length > 0 ? [...own, ...chosen] : []
}

/** The operation without what the tick boxes say: the plan shows all objects, ticked or not. */
export function operationOf(choices: Choices, own: readonly string[]): SyncOperation {
  const { switches, revision } = choices
  const options = optionsOf(choices, own)
  const force = switches.has('force') ? { force: true } : {}
  const how = switches.has('skipHooks') ? { apply: force } : { hook: force }
  return {
    ...(revision ? { revision } : {}),
    ...(switches.has('prune') ? { prune: true } : {}),
    ...(switches.has('skipHooks') || switches.has('force') ? { syncStrategy: how } : {}),
    ...(options.length > 0 ? { syncOptions: options } : {}),
  }
}

/** The ticked objects, or undefined where all are: a sync of everything, with hooks and a release. */
export function chosenObjects(columns: readonly Column[], without: ReadonlySet<string>): ObjectName[] | undefined {
  const cells = selectable(columns)
  const chosen = cells.filter((cell) => !without.has(cell.key))
  if (chosen.length === cells.length) return undefined
  return chosen.map(({ group, kind, namespace, name }) => ({ group, kind, namespace, name }))
}

/** The columns to choose from: where an object is not ticked, no hook runs. */
export function offeredColumns(columns: readonly Column[], without: ReadonlySet<string>): Column[] {
  if (chosenObjects(columns, without) === undefined) return [...columns]
  return keepCells(columns, (cell) => cell.action !== 'hook')
}

/** The columns of a sync of what is ticked. */
export function chosenColumns(columns: readonly Column[], without: ReadonlySet<string>): Column[] {
  return keepCells(offeredColumns(columns, without), (cell) => !without.has(cell.key))
}

/** The columns of an operation of `objects`; none named are all. */
export function columnsOfObjects(columns: readonly Column[], objects: readonly Partial<ObjectName>[] = []): Column[] {
  if (objects.length === 0) return [...columns]
  const named = new Set(objects.map(objectKey))
  return keepCells(columns, ({ action, key }) => action === 'create-namespace' || (action !== 'hook' && named.has(key)))
}

function keepCells(columns: readonly Column[], keeps: (cell: Cell) => boolean): Column[] {
  return columns
    .map((column) => ({ ...column, cells: column.cells.filter(keeps) }))
    .filter((column) => column.cells.length > 0)
}

/** What may be ticked: hooks belong to a whole sync, and the namespace is made for any. */
export function selectable(columns: readonly Column[]) {
  const cells = columns.flatMap((column) => column.cells)
  return cells.filter((cell) => cell.action !== 'hook' && cell.action !== 'create-namespace')
}

/** Whether the last operation (`state`) was a dry run of `operation`, whatever was ticked; `own` options are the application's. */
export function isTrialOf(state: OperationState, operation: SyncOperation, own: readonly string[]): boolean {
  const tried = state.operation?.sync
  if (!tried?.dryRun || isRunning(state)) return false
  const facts = ({ prune, syncStrategy, syncOptions = [] }: SyncOperation) => {
    const options = syncOptions.length > 0 ? syncOptions : own
    const force = (syncStrategy?.apply ?? syncStrategy?.hook)?.force ?? false
    return JSON.stringify([prune ?? false, Boolean(syncStrategy?.apply), force, [...options].sort()])
  }
  return facts(tried) === facts(operation)
}

/** The body of `POST /api/v1/applications/NAME/sync`. */
export function requestOf(choices: Choices, own: readonly string[], columns: readonly Column[], dryRun: boolean) {
  const { syncStrategy, syncOptions, ...rest } = operationOf(choices, own)
  const resources = chosenObjects(columns, choices.without)
  return {
    ...rest,
    ...(dryRun ? { dryRun } : {}),
    ...(syncStrategy ? { strategy: syncStrategy } : {}),
    ...(syncOptions ? { syncOptions: { items: syncOptions } } : {}),
    ...(resources ? { resources } : {}),
  }
}

const FLAGS: Record<Switch, string> = {
  prune: '--prune',
  force: '--force',
  replace: '--replace',
  serverSide: '--server-side',
  applyOutOfSyncOnly: '--apply-out-of-sync-only',
  skipHooks: '--strategy apply',
}

/** The command that does the same. */
export function commandOf(name: string, choices: Choices, columns: readonly Column[], dryRun = false): string {
  const chosen = chosenObjects(columns, choices.without) ?? []
  const parts = [
    ...(choices.revision ? [`--revision ${choices.revision}`] : []),
    ...SWITCHES.filter((each) => choices.switches.has(each)).map((each) => FLAGS[each]),
    ...(dryRun ? ['--dry-run'] : []),
    ...chosen.map(
      (each) => `--resource ${each.group}:${each.kind}:${each.namespace ? `${each.namespace}/` : ''}${each.name}`,
    ),
  ]
  return ['haori app sync', name, ...parts].filter(Boolean).join(' ')
}
