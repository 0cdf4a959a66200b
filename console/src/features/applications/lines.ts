/**
 * The list as lines of equal kinds: headers of groups, and lines of one row or (tiles, map) several. Rows are known by their
 * place among all, which is enough to draw any part of the list without having loaded what is before it.
 */
import type { Group } from './api'

export type Line = { kind: 'group'; group: Group; from: number } | { kind: 'rows'; from: number; count: number }

/** What a group is remembered by; `value` null stands for all groups beyond the server's bound. */
export function keyOfGroup(group: Pick<Group, 'value'>): string {
  return group.value === null ? '*' : `=${group.value}`
}

export function linesOf(
  total: number,
  groups: readonly Group[],
  perLine: number,
  folded: ReadonlySet<string> = new Set(),
): Line[] {
  const lines: Line[] = []
  if (groups.length === 0) addRows(lines, 0, total, perLine)
  let from = 0
  for (const group of groups) {
    lines.push({ kind: 'group', group, from })
    if (!folded.has(keyOfGroup(group))) addRows(lines, from, group.total, perLine)
    from += group.total
  }
  return lines
}

function addRows(lines: Line[], from: number, total: number, perLine: number): void {
  for (let at = 0; at < total; at += perLine) {
    lines.push({ kind: 'rows', from: from + at, count: Math.min(perLine, total - at) })
  }
}

/** The numbers, from 1 on, of the pages that hold the rows of these lines. */
export function pagesOf(lines: readonly Line[], perPage: number): number[] {
  const pages = new Set<number>()
  for (const line of lines) {
    if (line.kind !== 'rows') continue
    const last = Math.floor((line.from + line.count - 1) / perPage)
    for (let page = Math.floor(line.from / perPage); page <= last; page++) pages.add(page + 1)
  }
  return [...pages].sort((a, b) => a - b)
}

/** The row `delta` rows after `index` among those that are not folded away, as far as there are any; -1 where none are. */
export function stepFrom(lines: readonly Line[], index: number, delta: number): number {
  const shown = lines.flatMap((line) => (line.kind === 'rows' ? [line] : []))
  const total = shown.reduce((sum, line) => sum + line.count, 0)
  if (total === 0) return -1
  let before = 0
  let place = -1
  for (const line of shown) {
    if (index >= line.from + line.count) before += line.count
    else if (index >= line.from) place = before + index - line.from
  }
  if (place < 0) place = index < 0 ? -1 : before - 1
  let wanted = Math.max(0, Math.min(total - 1, place + delta))
  for (const line of shown) {
    if (wanted < line.count) return line.from + wanted
    wanted -= line.count
  }
  return -1
}

/** Which line shows a row; -1 where it is folded away. */
export function lineOf(lines: readonly Line[], index: number): number {
  return lines.findIndex((line) => line.kind === 'rows' && index >= line.from && index < line.from + line.count)
}
