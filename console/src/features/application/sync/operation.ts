/** The operation of an application, as Argo CD writes it, and when a failed one is tried again. */
import type { ObjectName } from '../objects'

export interface ResultRow extends ObjectName {
  version?: string
  status?: string
  message?: string
  hookType?: string
  hookPhase?: string
  syncPhase?: string
}

export interface RetryPolicy {
  limit?: number
  backoff?: { duration?: string | number; factor?: number; maxDuration?: string | number }
}

export interface SyncOperation {
  revision?: string
  revisions?: string[]
  prune?: boolean
  dryRun?: boolean
  resources?: ObjectName[]
  syncOptions?: string[]
  syncStrategy?: { apply?: { force?: boolean }; hook?: { force?: boolean } }
}

export interface Operation {
  sync?: SyncOperation
  initiatedBy?: { username?: string; automated?: boolean }
  retry?: RetryPolicy
}

export interface OperationState {
  operation?: Operation
  phase: string
  message?: string
  startedAt?: string
  finishedAt?: string
  retryCount?: number
  syncResult?: { resources?: ResultRow[]; revision?: string; revisions?: string[] }
}

const DEFAULT = { duration: 5, factor: 2, most: 180 }

/** When a failed try is followed by the next one (milliseconds since 1970); null where none waits. */
export function nextTryAt(state: OperationState): number | null {
  const policy = state.operation?.retry
  if (state.phase !== 'Running' || !state.finishedAt || !policy) return null
  const { duration, factor, maxDuration } = policy.backoff ?? {}
  // The count is raised when the try is put off, so it is already that of the next one.
  const pause = seconds(duration, DEFAULT.duration) * Math.max(1, factor ?? DEFAULT.factor) ** (state.retryCount ?? 1)
  return Date.parse(state.finishedAt) + Math.min(pause, seconds(maxDuration, DEFAULT.most)) * 1000
}

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 }

/** A duration such as `1m30s`, or plain seconds; `otherwise` where it is absent or cannot be read. */
export function seconds(text: string | number | undefined, otherwise: number): number {
  if (text === undefined || text === '') return otherwise
  const plain = Number(text)
  if (!Number.isNaN(plain)) return plain
  const parts = [...String(text).matchAll(/([\d.]+)(ms|s|m|h)/g)]
  if (parts.map((part) => part[0]).join('') !== text) return otherwise
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0)
}

/** How many tries a policy allows after the first; null: without end, 0: none. */
export function triesOf(state: OperationState): number | null {
  const limit = state.operation?.retry?.limit ?? 0
  return limit < 0 ? null : limit
}
