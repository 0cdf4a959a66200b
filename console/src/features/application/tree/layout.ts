/**
 * Where rows stand in the drawing: owners left of what they own, each branch in rows of its own, an owner beside the first
 * of its children. So a new object moves only what is below it, and no line ever passes a node it does not belong to.
 * Pure, linear in the number of rows.
 */
import type { Row } from './folding'

export const NODE = { width: 248, height: 50 }
export const GAP = { x: 44, y: 8 }

export interface Box {
  x: number
  y: number
}

export interface Drawing {
  /** The places of the rows, in their order; `y` never falls. */
  boxes: readonly Box[]
  /** Of each row: index of its last child, or -1. Lines are drawn that far. */
  last: readonly number[]
  width: number
  height: number
}

export function layOut(rows: readonly Row[]): Drawing {
  const boxes: Box[] = []
  const last: number[] = rows.map(() => -1)
  let line = -1
  let deepest = 0
  rows.forEach((row, index) => {
    const isBesideOwner = row.parent === index - 1 && row.parent >= 0
    if (!isBesideOwner) line += 1
    if (row.parent >= 0) last[row.parent] = index
    deepest = Math.max(deepest, row.depth)
    boxes.push({ x: row.depth * (NODE.width + GAP.x), y: line * (NODE.height + GAP.y) })
  })
  return {
    boxes,
    last,
    width: deepest * (NODE.width + GAP.x) + NODE.width,
    height: line * (NODE.height + GAP.y) + NODE.height,
  }
}

export interface Area extends Box {
  width: number
  height: number
}

/** Indexes of the rows that an area of the drawing shows. */
export function rowsIn(drawing: Drawing, area: Area): number[] {
  const found: number[] = []
  for (let index = firstFrom(drawing.boxes, area.y - NODE.height); index < drawing.boxes.length; index += 1) {
    const box = drawing.boxes[index] as Box
    if (box.y > area.y + area.height) break
    if (box.x + NODE.width >= area.x && box.x <= area.x + area.width) found.push(index)
  }
  return found
}

function firstFrom(boxes: readonly Box[], y: number): number {
  let [low, high] = [0, boxes.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((boxes[middle] as Box).y < y) low = middle + 1
    else high = middle
  }
  return low
}

/** The lines from owners to what they own within an area, as one SVG path. */
export function linesIn(rows: readonly Row[], drawing: Drawing, area: Area): string {
  const parts: string[] = []
  const bottom = area.y + area.height
  drawing.last.forEach((last, index) => {
    if (last < 0) return
    const from = drawing.boxes[index] as Box
    const to = drawing.boxes[last] as Box
    if (to.y + NODE.height < area.y || from.y > bottom) return
    const [start, trunk, end] = [from.x + NODE.width, from.x + NODE.width + GAP.x / 2, from.x + NODE.width + GAP.x]
    const middle = NODE.height / 2
    parts.push(`M${start} ${from.y + middle}H${end}`)
    if (last > index + 1) parts.push(`M${trunk} ${from.y + middle}V${to.y + middle - 6}`)
    for (let at = last; at > index; ) {
      const row = rows[at] as Row
      const box = drawing.boxes[at] as Box
      if (row.parent === index && box.y > from.y && box.y + NODE.height >= area.y && box.y <= bottom) {
        const y = box.y + middle
        parts.push(`M${trunk} ${y - 6}Q${trunk} ${y} ${trunk + 6} ${y}H${end}`)
      }
      if (box.y + NODE.height < area.y) break
      at -= 1
    }
  })
  return parts.join('')
}
