import { expect, it } from 'vitest'
import { sample } from '../tree/samples'
import { groupPods, isUnwell, type PodFacts, reasonOf } from './groups'

const pod = (name: string, over: Partial<PodFacts> = {}): PodFacts => ({
  uid: name,
  namespace: 'shop',
  name,
  node: 'node-1',
  phase: 'Running',
  health: { status: 'Healthy' },
  ready: 1,
  total: 1,
  restarts: 0,
  createdAt: '',
  terminating: false,
  containers: [],
  ...over,
})
const nodes = [
  sample('Deployment', 'web'),
  sample('ReplicaSet', 'rs', { parents: ['web'] }),
  sample('Pod', 'a', { parents: ['rs'] }),
  sample('Pod', 'b', { parents: ['rs'] }),
  sample('Pod', 'alone'),
]
const pods = [pod('b', { node: 'node-2' }), pod('alone', { node: '' }), pod('a', { health: { status: 'Degraded' } })]
const told = (by: 'node' | 'owner') =>
  groupPods(pods, nodes, by).map((group) => [group.name, group.pods.map((each) => each.name).join(), group.unwell])

it('groups by where they run', () => {
  expect(told('node')).toEqual([
    ['', 'alone', 0],
    ['node-1', 'a', 1],
    ['node-2', 'b', 0],
  ])
})

it('groups by what they belong to in the end', () => {
  expect(told('owner')).toEqual([
    ['', 'alone', 0],
    ['Deployment web', 'a,b', 1],
  ])
})

it('ends where owners own each other', () => {
  const round = [sample('Pod', 'a', { parents: ['x'] }), sample('Thing', 'x', { parents: ['a'] })]
  expect(groupPods([pod('a')], round, 'owner')[0]?.name).toBe('Thing x')
})

it.each([
  [{}, false, ''],
  [{ health: { status: 'Degraded', text: 'it crashes' } }, true, 'it crashes'],
  [
    {
      health: { status: 'Progressing' },
      containers: [{ name: 'a', image: '', init: false, state: 'waiting', reason: 'Pulling' }],
    },
    true,
    'Pulling',
  ],
  [{ terminating: true }, true, ''],
])('%j: unwell %s, %j', (over, is, reason) => {
  expect([isUnwell(pod('p', over)), reasonOf(pod('p', over))]).toEqual([is, reason])
})
