import { describe, expect, it } from 'vitest'
import { clearFilters, isFiltered, queryOf, readState, sortBy, toggleFacet, writeState } from './state'

const read = (text: string) => readState(new URLSearchParams(text))

describe('an address', () => {
  it.each([
    '',
    'q=shop+api',
    'health=Degraded&health=Missing&project=wear',
    'label=team%3Dwear&sort=-health&group=label%3Ateam',
    'group=project&view=map&columns=health%2Cpath',
  ])('%s comes back as it was', (text) => expect(writeState(read(text)).toString()).toBe(text))

  it.each([
    ['sort=colour', ''],
    ['group=label%3A', ''],
    ['group=colour', ''],
    ['view=globe', ''],
    ['columns=colour,health', 'columns=health'],
    ['sort=name&view=table', ''],
  ])('%s is read as %j', (text, kept) => expect(writeState(read(text)).toString()).toBe(kept))
})

it('asks the same for every look', () => {
  expect(queryOf(read('q=+shop+&view=map&columns=path'))).toEqual(queryOf(read('q=shop')))
})

it.each([
  ['', false],
  ['q=+', false],
  ['q=a', true],
  ['label=a', true],
  ['cluster=tokyo', true],
  ['group=project&sort=health', false],
])('%j filters: %s', (text, is) => expect(isFiltered(read(text))).toBe(is))

it('takes a word of a facet in and out again', () => {
  const within = toggleFacet(read('health=Missing'), 'health', 'Degraded')
  expect(within.facets.health).toEqual(['Missing', 'Degraded'])
  expect(toggleFacet(within, 'health', 'Missing').facets.health).toEqual(['Degraded'])
})

it('clears filters and keeps the looks', () => {
  const cleared = clearFilters(read('q=a&health=Missing&label=b&group=project&view=map&sort=-sync'))
  expect(writeState(cleared).toString()).toBe('sort=-sync&group=project&view=map')
})

it('turns an order round when it is chosen again', () => {
  const once = sortBy(read(''), 'health')
  expect([once.sort, once.isReversed]).toEqual(['health', false])
  expect(sortBy(once, 'health').isReversed).toBe(true)
})
