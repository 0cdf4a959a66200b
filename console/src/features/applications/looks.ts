/** Sizes of the looks of the list, in pixels: lines of one kind are equally high, so that any of them is found at once. */
import type { Line } from './lines'
import type { Look } from './state'

const TILE_WIDTH = 272
const CELL = 30
const NARROW = 640

export interface Measures {
  /** A phone's width: rows become cards. */
  isNarrow: boolean
  perLine: number
  line: number
  group: number
}

export function measuresOf(look: Look, width: number): Measures {
  const isNarrow = width > 0 && width < NARROW
  const group = 40
  switch (look) {
    case 'table':
      return { isNarrow, perLine: 1, line: isNarrow ? 108 : 46, group }
    case 'tiles':
      return { isNarrow, perLine: Math.max(1, Math.floor(width / TILE_WIDTH)), line: 132, group }
    case 'map':
      return { isNarrow, perLine: Math.max(1, Math.floor(width / CELL)), line: CELL, group }
  }
}

export function heightOf(line: Line | undefined, measures: Measures): number {
  return line?.kind === 'group' ? measures.group : measures.line
}
