/** Two texts beside each other: which lines belong together, what is folded away, what changed within a line. Pure. */
import { diffArrays, diffWordsWithSpace } from 'diff'
import type { Difference } from '../sync/plan'
import { findPlace, type Json, liveOf, type Place, parsePath } from './paths'
import { type Line, linesOf } from './yaml'

export interface Side extends Line {
  number: number
}

export interface Row {
  left: Side | null
  right: Side | null
  isChanged: boolean
  /** The differences that this row shows, of which some may be told in the row before already. */
  differences: Difference[]
}

export interface Compared {
  desired: Json | null
  live: Json | null
  /** null: both sides are shown as they are, as between two releases. */
  differences: readonly Difference[] | null
}

/** Metadata that the cluster keeps for itself, and status: no part of what anybody wants. */
const OWN = ['managedFields', 'resourceVersion', 'uid', 'generation', 'creationTimestamp', 'selfLink']

/** What stands left (live) and right (wanted). */
export function sidesOf(compared: Compared): { left: Json | null; right: Json | null } {
  const { left, right } = bothOf(compared)
  return { left: ordered(left), right: ordered(right) }
}

function bothOf({ desired, live, differences }: Compared): { left: Json | null; right: Json | null } {
  if (differences === null) return { left: live, right: desired }
  if (desired === null) return { left: live === null ? null : withoutOwn(live), right: null }
  return { left: live === null ? null : liveOf(desired, differences), right: desired }
}

function withoutOwn(live: Json): Json {
  if (!isMapping(live)) return live
  const { status: _, metadata, ...rest } = live
  if (!isMapping(metadata)) return rest
  const kept = Object.entries(metadata).filter(([name]) => !OWN.includes(name))
  return { ...rest, metadata: Object.fromEntries(kept) }
}

/** What it is before what it says, as people write manifests. */
function ordered(value: Json | null): Json | null {
  if (!isMapping(value)) return value
  const { apiVersion, kind, metadata, ...rest } = value
  const first = Object.entries({ apiVersion, kind, metadata }).filter(([, each]) => each !== undefined)
  return { ...(Object.fromEntries(first) as Record<string, Json>), ...rest }
}

function isMapping(value: Json | null | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function rowsOf(compared: Compared): Row[] {
  const { left, right } = sidesOf(compared)
  const before = left === null ? [] : linesOf(left)
  const after = right === null ? [] : linesOf(right)
  const rows = pair(before, after)
  return left !== null && right !== null ? attribute(rows, left, right, compared.differences ?? []) : rows
}

function pair(before: readonly Line[], after: readonly Line[]): Row[] {
  const rows: Row[] = []
  let [removed, added]: [Side[], Side[]] = [[], []]
  let [at, to] = [0, 0]
  const flush = () => {
    for (let index = 0; index < Math.max(removed.length, added.length); index++) {
      rows.push({ left: removed[index] ?? null, right: added[index] ?? null, isChanged: true, differences: [] })
    }
    ;[removed, added] = [[], []]
  }
  const texts = (lines: readonly Line[]) => lines.map((line) => line.text)
  for (const part of diffArrays(texts(before), texts(after))) {
    if (!part.added && !part.removed) flush()
    for (let count = 0; count < part.value.length; count++) {
      const left = part.added ? null : numbered(before, at++)
      const right = part.removed ? null : numbered(after, to++)
      if (left && right) rows.push({ left, right, isChanged: false, differences: [] })
      else if (left) removed.push(left)
      else if (right) added.push(right)
    }
  }
  flush()
  return rows
}

function numbered(lines: readonly Line[], index: number): Side | null {
  const line = lines[index]
  return line ? { ...line, number: index + 1 } : null
}

/** Gives each difference to the changed rows that show it. */
function attribute(rows: readonly Row[], left: Json, right: Json, differences: readonly Difference[]): Row[] {
  const placed = differences.map((difference) => {
    const steps = parsePath(difference.path)
    return { difference, left: findPlace(left, steps), right: findPlace(right, steps) }
  })
  return rows.map((row) => {
    if (!row.isChanged) return row
    const shown = placed.filter((each) => isBelow(row.left?.place, each.left) || isBelow(row.right?.place, each.right))
    return { ...row, differences: shown.map((each) => each.difference) }
  })
}

function isBelow(place: Place | undefined, above: Place | null): boolean {
  return above?.every((step, index) => place?.[index] === step) ?? false
}

export type Block = { rows: Row[]; isFold: false } | { rows: Row[]; isFold: true; until: string }

/** Rows in blocks, those further than `context` lines from any change folded; `until` says where the next ones are. */
export function foldRows(rows: readonly Row[], context: number): Block[] {
  const near = rows.map((_, index) =>
    rows.slice(Math.max(0, index - context), index + context + 1).some((row) => row.isChanged),
  )
  const blocks: Block[] = []
  for (const [index, row] of rows.entries()) {
    const isFold = !near[index]
    const last = blocks.at(-1)
    if (last && last.isFold === isFold) last.rows.push(row)
    else blocks.push(isFold ? { rows: [row], isFold, until: '' } : { rows: [row], isFold })
    const block = blocks.at(-1)
    if (block?.isFold) block.until = placeText((rows[index + 1]?.right ?? rows[index + 1]?.left)?.place ?? [])
  }
  // Folding a line or two away saves nothing.
  return blocks.map((block) => (block.isFold && block.rows.length <= 2 ? { rows: block.rows, isFold: false } : block))
}

/** A place as people write it: `spec.containers[0].image`. */
export function placeText(place: Place): string {
  return place.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text ? `${text}.${step}` : step),
    '',
  )
}

export interface Part {
  text: string
  isChanged: boolean
}

/** What changed within a pair of lines, for each side. */
export function partsOfPair(left: string, right: string): { left: Part[]; right: Part[] } {
  const parts = diffWordsWithSpace(left, right)
  const of = (leave: 'added' | 'removed', marks: 'added' | 'removed') =>
    parts.filter((part) => !part[leave]).map((part) => ({ text: part.value, isChanged: part[marks] }))
  return { left: of('added', 'removed'), right: of('removed', 'added') }
}
