/** Going back: to which release, how, and what no rollback undoes. Pure. */
import { type Application, type HistoryEntry, pinOf, revisionsOf } from '../model'
import { objectText } from '../objects'
import type { OperationState, SyncOperation } from '../sync/operation'

/**
 * The release to go back to where none is named, as the server chooses it: the newest of other revisions than those being
 * left. Left is the newest release, or the last try where it has not succeeded; and what an earlier pin led away from.
 */
export function releaseBefore(application: Application): HistoryEntry | null {
  const history = application.status?.history ?? []
  const left = leftRevisions(application)
  return history.findLast((entry) => !left.has(revisionsOf(entry).join())) ?? null
}

function leftRevisions(application: Application): Set<string> {
  const { history = [], operationState } = application.status ?? {}
  const left = new Set<string>()
  const wanted = pinOf(application)?.wanted ?? []
  if (wanted.length > 0) left.add(wanted.join())
  const tried = revisionsOf(operationState?.syncResult)
  const newest = history.at(-1)
  if (operationState && operationState.phase !== 'Succeeded' && tried.length > 0) left.add(tried.join())
  else if (newest) left.add(revisionsOf(newest).join())
  return left
}

/** The release that `?to=` names: a number, or `before`. */
export function releaseNamed(application: Application, named: string | null): HistoryEntry | null {
  if (named === null) return null
  if (named === 'before') return releaseBefore(application)
  return application.status?.history?.find((entry) => String(entry.id) === named) ?? null
}

/** The hooks (migrations, mostly) that the release being left has run, and that going back does not undo. */
export function hooksBeingLeft(operation: OperationState): string[] {
  const rows = operation.syncResult?.resources ?? []
  const ran = rows.filter((row) => row.hookType && row.hookType !== 'Skip' && row.hookPhase)
  return [...new Set(ran.map((row) => objectText({ ...row, namespace: row.namespace ?? '' })))]
}

export type Way = 'pin' | 'git'

export interface Chosen {
  id: number
  way: Way
  reason: string
  /** A duration such as `2h`; empty: until somebody resumes. */
  duration: string
  prune: boolean
}

export interface RollbackBody {
  id: number
  reason?: string
  git?: true
  for?: string
  prune?: true
}

export function bodyOf({ id, way, reason, duration, prune }: Chosen): RollbackBody {
  return {
    id,
    ...(reason ? { reason } : {}),
    ...(way === 'git' ? { git: true } : duration ? { for: duration } : {}),
    ...(way === 'pin' && prune ? { prune: true } : {}),
  }
}

/** The command that goes back alike. */
export function commandOf(name: string, { id, way, reason, duration, prune }: Chosen): string {
  const parts = [
    `haori app rollback ${name} ${id}`,
    ...(reason ? [`--reason '${reason.replaceAll("'", "'\\''")}'`] : []),
    ...(way === 'git' ? ['--git'] : duration ? [`--for ${duration}`] : []),
    ...(way === 'pin' && prune ? ['--prune'] : []),
  ]
  return parts.join(' ')
}

/** What is planned to show what going back would do. */
export function operationOf(entry: HistoryEntry, prune: boolean): SyncOperation {
  const many = entry.revisions && entry.revisions.length > 0
  return { ...(many ? { revisions: entry.revisions ?? [] } : { revision: entry.revision ?? '' }), prune }
}

export interface Images {
  same: string[]
  came: string[]
}

/** The images of a release, those that the one before did not have apart. */
export function imagesOf(images: readonly string[] | null, before: readonly string[] | null | undefined): Images {
  const known = new Set(before ?? [])
  const all = images ?? []
  if (!before) return { same: [...all], came: [] }
  return { same: all.filter((each) => known.has(each)), came: all.filter((each) => !known.has(each)) }
}

/** The two releases of `?compare=4..7`; the second is null for `4..now`; null where it names none. */
export function parseComparison(text: string | null): { from: number; to: number | null } | null {
  const match = /^(\d{1,9})\.\.(\d{1,9}|now)$/.exec(text ?? '')
  if (!match) return null
  return { from: Number(match[1]), to: match[2] === 'now' ? null : Number(match[2]) }
}
