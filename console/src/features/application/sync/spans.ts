/** How long each wave of a running sync took, as the reader saw it begin and end. Pure. */
import type { Column, Result } from './plan'

export interface Span {
  /** Milliseconds since 1970; null: not begun, or not ended. */
  from: number | null
  to: number | null
}
export type Spans = Readonly<Record<string, Span>>

/**
 * The spans after one more look. A wave that had ended before the first look has none: nobody saw it begin; nor is it known
 * when one began that ran by then, unless it is the first, which began with the operation (`startedAt`, null
 * where only its first try is known to have begun then). One that ended
 * between two looks began when the one before it ended.
 */
export function observe(spans: Spans, columns: readonly Column[], now: number, startedAt: number | null): Spans {
  const seen: Record<string, Span> = { ...spans }
  const isFirstLook = Object.keys(spans).length === 0
  let before: number | null = startedAt
  for (const { id, result } of columns) {
    const began: Span | null =
      isFirstLook && before !== null && result === 'running' ? { from: before, to: null } : null
    const known: Span | null = seen[id] ?? began
    const next = nextOf(known, result, now, before)
    if (next) seen[id] = next
    before = next?.to ?? null
  }
  return seen
}

function nextOf(known: Span | null, result: Result, now: number, before: number | null): Span | null {
  if (result === 'waiting') return { from: null, to: null }
  if (known === null || known.to !== null || result === 'planned') return known
  return result === 'running' ? { from: known.from ?? now, to: null } : { from: known.from ?? before ?? now, to: now }
}

/** Seconds of a span so far; null where it has not begun. */
export function lengthOf(span: Span | undefined, now: number): number | null {
  return span?.from == null ? null : Math.max(0, ((span.to ?? now) - span.from) / 1000)
}
