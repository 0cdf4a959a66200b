/** What a reader chose for a sync, as an operation to plan, a request to send, and a command to type. */

import { type ObjectName, objectKey } from '../objects'
import type { SyncOperation } from './operation'
import type { Column } from './plan'

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

/** What a sync of the ticked objects does: hooks run in a whole sync only. */
export function chosenColumns(columns: readonly Column[], without: ReadonlySet<string>): Column[] {
  const chosen = chosenObjects(columns, without)
  if (chosen === undefined) return [...columns]
  const keys = new Set(chosen.map(objectKey))
  return columns.map((column) => ({ ...column, cells: column.cells.filter((cell) => keys.has(cell.key)) }))
}

/** The columns to tick in: once not all is chosen, those without the hooks that will not run. */
export function tickedColumns(columns: readonly Column[], without: ReadonlySet<string>): Column[] {
  if (chosenObjects(columns, without) === undefined) return [...columns]
  const kept = columns.map((column) => ({ ...column, cells: column.cells.filter((cell) => cell.action !== 'hook') }))
  return kept.filter((column) => column.cells.length > 0)
}

/** What may be ticked: hooks and the namespace belong to a whole sync. */
export function selectable(columns: readonly Column[]) {
  const cells = columns.flatMap((column) => column.cells)
  return cells.filter((cell) => cell.action !== 'hook' && cell.action !== 'create-namespace')
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
