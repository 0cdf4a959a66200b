import { describe, expect, it } from 'vitest'
import type { Node } from '../nodes'
import { buildTree } from './branches'
import { rowsOf } from './folding'
import { GAP, layOut, linesIn, NODE, rowsIn } from './layout'
import { sample, samplePlatform } from './samples'
import { areaOf, beginAt, keepInSight, reveal, zoom } from './view'

const app = { namespace: 'argocd', name: 'shop' }
const rowsFor = (nodes: Node[]) => rowsOf(buildTree(app, nodes, 'none').root, new Map(), null)
const [dx, dy] = [NODE.width + GAP.x, NODE.height + GAP.y]

const few = [
  sample('Deployment', 'a'),
  sample('Pod', 'a1', { parents: ['a'] }),
  sample('Pod', 'a2', { parents: ['a'] }),
  sample('Service', 'b'),
]

describe('layOut', () => {
  it('puts an owner beside the first of its children, branches below each other', () => {
    expect(layOut(rowsFor(few)).boxes).toEqual([
      { x: 0, y: 0 },
      { x: dx, y: 0 },
      { x: 2 * dx, y: 0 },
      { x: 2 * dx, y: dy },
      { x: dx, y: 2 * dy },
    ])
  })

  it('moves only what is below a new object', () => {
    const before = layOut(rowsFor(few)).boxes
    const after = layOut(rowsFor([...few, sample('Pod', 'a3', { parents: ['a'] })])).boxes
    expect(after.slice(0, 4)).toEqual(before.slice(0, 4))
    expect(after.at(-1)).toEqual({ x: dx, y: 3 * dy })
  })

  it('is the same whatever changes of health and sync', () => {
    const ill = few.map((node) => ({ ...node, health: { status: 'Degraded' }, sync: 'OutOfSync' }))
    expect(layOut(rowsFor(ill))).toEqual(layOut(rowsFor(few)))
  })

  it('lets no two nodes overlap', () => {
    const { boxes } = layOut(rowsFor(samplePlatform(40)))
    expect(new Set(boxes.map(({ x, y }) => `${x} ${y}`)).size).toBe(boxes.length)
  })
})

describe('of 5,000 nodes', () => {
  const rows = rowsFor(samplePlatform(1000))
  const drawing = layOut(rows)

  it('draws those in sight only', () => {
    expect(rows).toHaveLength(5001)
    const found = rowsIn(drawing, { x: 0, y: 60_000, width: 3000, height: 600 })
    expect(found.length).toBeGreaterThan(10)
    expect(found.length).toBeLessThan(80)
    for (const index of found) expect(Math.abs((drawing.boxes[index]?.y ?? 0) - 60_300)).toBeLessThan(400)
  })

  it('draws the lines that pass, though both ends are out of sight', () => {
    const path = linesIn(rows, drawing, { x: 0, y: 60_000, width: 3000, height: 600 })
    expect(path.startsWith(`M${NODE.width} 25H${dx}M${NODE.width + GAP.x / 2} 25V`)).toBe(true)
    expect(path.length).toBeLessThan(6000)
  })
})

describe('views', () => {
  const frame = { width: 1000, height: 600 }

  it('show a small drawing whole and the beginning of a large one at a size that can be read', () => {
    expect(beginAt({ width: 500, height: 300 }, frame).scale).toBe(1)
    expect(beginAt({ width: 500, height: 90_000 }, frame)).toEqual({ x: 24, y: 24, scale: 0.7 })
  })

  it('keep the point under the pointer where it is', () => {
    const before = { x: 10, y: 20, scale: 1 }
    const at = { x: 300, y: 200 }
    const after = zoom(before, 1.5, at)
    const worldOf = (view: typeof before) => [(at.x - view.x) / view.scale, (at.y - view.y) / view.scale]
    expect(after.scale).toBe(1.5)
    worldOf(after).forEach((value, index) => {
      expect(value).toBeCloseTo(worldOf(before)[index] ?? 0)
    })
  })

  it('never lose the drawing', () => {
    expect(keepInSight({ x: -9e9, y: 9e9, scale: 1 }, { width: 400, height: 400 }, frame)).toEqual({
      x: -320,
      y: 520,
      scale: 1,
    })
  })

  it.each([
    ['stay where the node is in sight', { x: 100, y: 100 }, { x: 0, y: 0 }],
    ['go down to one below', { x: 100, y: 900 }, { x: 0, y: -374 }],
    ['go left to one behind the edge', { x: -100, y: 100 }, { x: 124, y: 0 }],
  ])('%s', (_, box, offset) => expect(reveal({ x: 0, y: 0, scale: 1 }, box, frame)).toEqual({ ...offset, scale: 1 }))

  it('know what part they show', () => {
    expect(areaOf({ x: -100, y: 50, scale: 0.5 }, frame)).toEqual({ x: 200, y: -100, width: 2000, height: 1200 })
  })
})
