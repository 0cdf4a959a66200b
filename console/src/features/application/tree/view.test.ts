import { describe, expect, it } from 'vitest'
import { buildTree } from './branches'
import { rowsOf } from './folding'
import { layOut, NODE, rowsIn } from './layout'
import { areaIn, mapOf, pathsOf, placeAt } from './map'
import { sample, samplePlatform } from './samples'
import { areaOf, canFitWhole, centre, fitWhole, isAllInSight, settle } from './view'

const app = { namespace: 'argocd', name: 'shop' }
const frame = { width: 1000, height: 600 }
const drawingOf = (nodes: Parameters<typeof buildTree>[1]) =>
  layOut(rowsOf(buildTree(app, nodes, 'none').root, new Map(), null))
const large = drawingOf(samplePlatform(1000))
const small = drawingOf(samplePlatform(2))
const column = drawingOf(Array.from({ length: 5000 }, (_, index) => sample(`Kind${index}`, 'it')))

describe('settle', () => {
  const far = { x: 24, y: -1700, scale: 0.7 }

  it('leaves a view that shows something as it is', () => {
    expect(settle(far, large, frame)).toBe(far)
  })

  it.each([
    ['far down', far],
    ['far right', { x: -1700, y: 24, scale: 0.7 }],
    ['far left and up', { x: 5000, y: 5000, scale: 0.7 }],
  ])('shows a drawing that became small to one who was %s, as much as fits', (_, view) => {
    const settled = settle(view, small, frame)
    expect(rowsIn(small, areaOf(settled, frame))).toHaveLength(small.boxes.length)
    expect(settled.scale).toBe(view.scale)
  })

  it('shows something where the corner it would come to is empty', () => {
    const wide = drawingOf([
      ...Array.from({ length: 9 }, (_, index) => sample('A', `a${index}`, { parents: index ? [`a${index - 1}`] : [] })),
      ...Array.from({ length: 40 }, (_, index) => sample('B', `b${index}`)),
    ])
    const settled = settle({ x: -9000, y: -9000, scale: 1 }, wide, frame)
    expect(rowsIn(wide, areaOf(settled, frame)).length).toBeGreaterThan(0)
  })
})

describe('the map of a tall column', () => {
  const map = mapOf(column, frame)

  it('has a width, and a scale of its own along each axis', () => {
    expect(map).toMatchObject({ width: 48, height: 360 })
    expect([map.scale.x * column.width, map.scale.y * column.height]).toEqual([48, 360])
  })

  it.each([
    [{ x: 24, y: 0 }, 0],
    [{ x: 40, y: 180 }, 2500],
    [{ x: 47, y: 360 }, 4999],
    [{ x: -30, y: 999 }, 4999],
  ])('goes where %j points', (point, index) => {
    const view = centre({ x: 24, y: 24, scale: 0.7 }, placeAt(point, map), column, frame)
    expect(rowsIn(column, areaOf(view, frame))).toContain(index)
  })

  it('shows one that is ill among thousands that are well', () => {
    const tones = column.boxes.map((_, index) => (index === 2500 ? 'bad' : 'good'))
    const paths = pathsOf(tones, column, map)
    expect(paths.map(([tone]) => tone)).toEqual(['good', 'bad'])
    expect(paths[1]?.[1]).toMatch(/^M[\d.]+ 180h[\d.]+v3h/)
    expect(paths[0]?.[1].split('M').length).toBeLessThan(800)
  })

  it('keeps what is in sight large enough to be seen', () => {
    const sight = areaIn(areaOf({ x: 24, y: 24, scale: 1 }, frame), map)
    expect(sight.height).toBeGreaterThanOrEqual(5)
  })
})

it('keeps the shape of a drawing that is not tall', () => {
  const map = mapOf({ width: 2000, height: 1200 }, frame)
  expect(map.scale.x).toBeCloseTo(map.scale.y)
})

it('knows when all is in sight, and when it cannot be', () => {
  expect(isAllInSight({ x: 24, y: 24, scale: 0.7 }, { width: NODE.width, height: 500 }, frame)).toBe(true)
  expect(isAllInSight({ x: -5, y: 24, scale: 0.7 }, { width: NODE.width, height: 500 }, frame)).toBe(false)
  expect([canFitWhole(small, frame), canFitWhole(large, frame)]).toEqual([true, false])
  expect(fitWhole(large, frame)).toEqual({ x: 24, y: 24, scale: 0.15 })
})
