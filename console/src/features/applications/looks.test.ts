import { expect, it } from 'vitest'
import { heightOf, measuresOf } from './looks'

it.each([
  ['table', 1200, false, 1],
  ['table', 340, true, 1],
  ['tiles', 1200, false, 4],
  ['tiles', 200, true, 1],
  ['map', 1200, false, 40],
  ['map', 0, false, 1],
] as const)('%s in %s pixels: narrow %s, %s a line', (look, width, isNarrow, perLine) => {
  expect(measuresOf(look, width)).toMatchObject({ isNarrow, perLine })
})

it('gives headers of groups a height of their own', () => {
  const measures = measuresOf('table', 1200)
  const group = { value: 'a', total: 1, health: {}, sync: {} }
  expect(heightOf({ kind: 'group', group, from: 0 }, measures)).toBe(40)
  expect(heightOf({ kind: 'rows', from: 0, count: 1 }, measures)).toBe(46)
})
