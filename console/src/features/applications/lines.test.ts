import { describe, expect, it } from 'vitest'
import type { Group } from './api'
import { keyOfGroup, type Line, lineOf, linesOf, pagesOf, stepFrom } from './lines'

const group = (value: string | null, total: number): Group => ({ value, total, health: {}, sync: {} })
const shop = group('shop', 3)
const none = group('', 2)
const short = (lines: readonly Line[]) =>
  lines.map((line) => (line.kind === 'group' ? keyOfGroup(line.group) : `${line.from}+${line.count}`))

describe('lines', () => {
  it.each([
    ['of nothing', 0, [], 1, []],
    ['of rows', 3, [], 1, ['0+1', '1+1', '2+1']],
    ['of tiles', 5, [], 2, ['0+2', '2+2', '4+1']],
    ['of groups of tiles', 5, [shop, none], 2, ['=shop', '0+2', '2+1', '=', '3+2']],
    ['of all other groups', 2, [group(null, 2)], 5, ['*', '0+2']],
  ])('%s', (_, total, groups, perLine, lines) => expect(short(linesOf(total, groups, perLine))).toEqual(lines))

  it('keep the places of rows when a group before them is folded', () => {
    expect(short(linesOf(5, [shop, none], 2, new Set(['=shop'])))).toEqual(['=shop', '=', '3+2'])
  })
})

it.each([
  [[0, 1], [1]],
  [
    [99, 2],
    [1, 2],
  ],
  [[100, 1], [2]],
  [
    [50, 200],
    [1, 2, 3],
  ],
])('rows %j are on the pages %j', ([from, count], pages) => {
  expect(pagesOf([{ kind: 'rows', from: from ?? 0, count: count ?? 0 }], 100)).toEqual(pages)
})

describe('a step', () => {
  const lines = linesOf(9, [group('a', 3), group('b', 3), group('c', 3)], 2, new Set(['=b']))
  it.each([
    ['begins at the first', -1, 1, 0],
    ['goes on', 0, 1, 1],
    ['passes over what is folded', 2, 1, 6],
    ['goes back over it', 6, -1, 2],
    ['ends at the last', 8, 3, 8],
    ['ends at the first', 1, -5, 0],
    ['leaves a row that was folded away', 4, 1, 6],
  ])('%s', (_, from, delta, to) => expect(stepFrom(lines, from, delta)).toBe(to))

  it('leads nowhere among nothing', () => expect(stepFrom([], 3, 1)).toBe(-1))
})

it('finds the line of a row', () => {
  const lines = linesOf(5, [shop, none], 2, new Set(['=']))
  expect([lineOf(lines, 2), lineOf(lines, 4)]).toEqual([2, -1])
})
