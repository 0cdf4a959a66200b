/** Which lines of two texts differ: the shortest edit, by the greedy way of Myers (1986). Pure. */

export interface DiffLine {
  type: 'same' | 'added' | 'removed'
  text: string
}

/** Beyond so many edits two texts have nothing in common that would be worth the wait. */
const EDITS_AT_MOST = 2000

export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)]
  const trace = search(a, b)
  if (!trace) {
    return [
      ...a.map((text): DiffLine => ({ type: 'removed', text })),
      ...b.map((text): DiffLine => ({ type: 'added', text })),
    ]
  }
  return walkBack(a, b, trace)
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

type Ends = ReadonlyMap<number, number>

/** For each number of edits, how far along each diagonal one comes; null where that is too many. */
function search(a: readonly string[], b: readonly string[]): Ends[] | null {
  const ends = new Map([[1, 0]])
  const trace: Ends[] = []
  for (let edits = 0; edits <= Math.min(a.length + b.length, EDITS_AT_MOST); edits += 1) {
    trace.push(new Map(ends))
    for (let k = -edits; k <= edits; k += 2) {
      let x = isDown(ends, k, edits) ? (ends.get(k + 1) ?? 0) : (ends.get(k - 1) ?? 0) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1
      ends.set(k, x)
      if (x >= a.length && x - k >= b.length) return trace
    }
  }
  return null
}

function isDown(ends: Ends, k: number, edits: number): boolean {
  return k === -edits || (k !== edits && (ends.get(k - 1) ?? 0) < (ends.get(k + 1) ?? 0))
}

function walkBack(a: readonly string[], b: readonly string[], trace: readonly Ends[]): DiffLine[] {
  const lines: DiffLine[] = []
  let [x, y] = [a.length, b.length]
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const ends = trace[edits] as Ends
    const k = x - y
    const from = isDown(ends, k, edits) ? k + 1 : k - 1
    const startX = ends.get(from) ?? 0
    const startY = startX - from
    while (x > startX && y > startY && x > 0 && y > 0) {
      lines.push({ type: 'same', text: a[x - 1] ?? '' })
      x -= 1
      y -= 1
    }
    if (edits === 0) break
    if (x === startX) lines.push({ type: 'added', text: b[startY] ?? '' })
    else lines.push({ type: 'removed', text: a[startX] ?? '' })
    x = startX
    y = startY
  }
  return lines.reverse()
}
