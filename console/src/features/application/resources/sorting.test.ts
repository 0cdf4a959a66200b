import { expect, it } from 'vitest'
import type { Node } from '../nodes'
import { orderOf, sortNodes } from './sorting'

const node = (kind: string, name: string, over: Partial<Node> = {}): Node => ({
  uid: name,
  group: '',
  kind,
  namespace: 'shop',
  name,
  version: 'v1',
  parents: [],
  health: { status: 'Healthy' },
  sync: null,
  createdAt: '2026-01-01T00:00:00Z',
  terminating: false,
  ...over,
})
const nodes = [
  node('Service', 'b', { sync: 'Synced', wave: 2 }),
  node('Pod', 'c', { health: { status: 'Degraded' }, createdAt: '2026-02-01T00:00:00Z' }),
  node('Pod', 'a', { health: null, sync: 'OutOfSync', wave: -1 }),
]

it.each([
  [null, 'acb'],
  ['name', 'abc'],
  ['-name', 'cba'],
  ['health', 'cba'],
  ['sync', 'abc'],
  ['wave', 'acb'],
  ['age', 'cab'],
  ['nonsense', 'acb'],
])('by %s', (text, names) => expect(sortNodes(nodes, text).map((each) => each.name)).toEqual([...names]))

it('gives one order whatever came first', () => {
  expect(sortNodes([...nodes].reverse(), '-namespace')).toEqual(sortNodes(nodes, '-namespace'))
})

it('reads which way', () => expect(orderOf('-age')).toEqual({ order: 'age', isReversed: true }))
