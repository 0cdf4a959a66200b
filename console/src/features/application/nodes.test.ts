import { describe, expect, it } from 'vitest'
import { countBy, filtersOf, healthOf, isFiltering, matches, type Node, whyOf } from './nodes'

const node = (over: Partial<Node> = {}): Node => ({
  uid: 'u1',
  group: 'apps',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  version: 'v1',
  parents: [],
  health: { status: 'Healthy' },
  sync: 'Synced',
  createdAt: '',
  terminating: false,
  ...over,
})

describe('matches', () => {
  it.each([
    ['nothing asked', '', true],
    ['part of its name', 'q=we', true],
    ['kind and name in any order', 'q=web+deploy', true],
    ['one word that is not there', 'q=web+pod', false],
    ['its kind among others', 'kind=Pod&kind=Deployment', true],
    ['another kind', 'kind=Pod', false],
    ['its health', 'health=Healthy', true],
    ['another health', 'health=Degraded', false],
    ['its sync status', 'sync=Synced', true],
    ['those that are not of Git', 'sync=None', false],
  ])('%s', (_, query, is) => expect(matches(node(), filtersOf(new URLSearchParams(query)))).toBe(is))
})

it('is missing where the cluster has it not', () => {
  expect(healthOf(node({ uid: '', health: null }))).toBe('Missing')
  expect(healthOf(node({ health: null }))).toBeNull()
})

it('has nothing to say of what is well', () => {
  expect(whyOf(node({ health: { status: 'Healthy', message: 'done' } }))).toBe('')
  expect(whyOf(node({ health: { status: 'Degraded', text: 'image pull failed', message: 'raw' } }))).toBe(
    'image pull failed',
  )
})

it('counts words, most first', () => {
  const nodes = [node(), node({ health: null }), node({ health: { status: 'Degraded' } }), node()]
  expect(countBy(nodes, healthOf)).toEqual([
    ['Healthy', 2],
    ['Degraded', 1],
    ['None', 1],
  ])
})

it('knows whether anything is asked for', () => {
  expect(isFiltering(filtersOf(new URLSearchParams('node=x')))).toBe(false)
  expect(isFiltering(filtersOf(new URLSearchParams('sync=OutOfSync')))).toBe(true)
})
