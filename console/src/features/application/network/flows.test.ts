import { expect, it } from 'vitest'
import { flowsOf, type NetworkNode } from './flows'

const node = (kind: string, name: string): NetworkNode => ({
  uid: name,
  kind,
  namespace: 'shop',
  name,
  addresses: [],
  ports: [],
  type: '',
})
const nodes = [node('Pod', 'p2'), node('Pod', 'p1'), node('Pod', 'job'), node('Service', 'web'), node('Ingress', 'in')]
const edges = [
  { from: 'in', to: 'web', label: 'shop.example/', name: 'web' },
  { from: 'in', to: '', label: 'shop.example/api', name: 'api' },
  { from: 'web', to: 'p2', label: '80/TCP', name: 'p2' },
  { from: 'web', to: 'p1', label: '80/TCP', name: 'p1' },
]

it('leads from the outside over Services to Pods', () => {
  const { flows, lost, unreached } = flowsOf({ nodes, edges })
  expect(
    flows.map((flow) => [flow.entries.map((each) => each.label), flow.service.name, flow.pods.map((pod) => pod.name)]),
  ).toEqual([[['shop.example/'], 'web', ['p1', 'p2']]])
  expect(lost.map((each) => [each.label, each.name])).toEqual([['shop.example/api', 'api']])
  expect(unreached.map((each) => each.name)).toEqual(['job'])
})

it('has nothing of nothing', () => {
  expect(flowsOf({ nodes: [], edges: [] })).toEqual({ flows: [], lost: [], unreached: [] })
})
