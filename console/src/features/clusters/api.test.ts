import { expect, it } from 'vitest'
import { type Cluster, countOf, memoryOf, phasesOf, stateOf } from './api'

const cluster = (change: Partial<Cluster>) => ({ engine: null, ...change }) as Cluster

it.each([
  [{ engine: { up: true } as Cluster['engine'], connectionState: { status: 'Failed', message: '' } }, 'up'],
  [{ engine: { up: false } as Cluster['engine'] }, 'down'],
  [{ connectionState: { status: 'Successful', message: '' } }, 'up'],
  [{ connectionState: { status: 'Failed', message: '' } }, 'down'],
  [{}, 'unknown'],
])('%j is %s', (change, state) => expect(stateOf(cluster(change))).toBe(state))

it('lists phases in the order of a life, strange ones last, empty ones not', () => {
  const phases = phasesOf({ Strange: 1, Failed: 2, Running: 3, Pending: 0 })
  expect(phases).toEqual([
    ['Running', 3],
    ['Failed', 2],
    ['Strange', 1],
  ])
  expect(countOf({ Running: 3, Failed: 2 })).toBe(5)
})

it.each([
  ['16384Mi', '16.0 GiB'],
  ['8Gi', '8.0 GiB'],
  ['1073741824', '1.0 GiB'],
  ['much', 'much'],
  [undefined, ''],
])('%s is %s', (quantity, text) => expect(memoryOf(quantity)).toBe(text))
