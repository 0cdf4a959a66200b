/** Objects for tests. */
import type { Node } from '../nodes'

export function sample(kind: string, name: string, over: Partial<Node> = {}): Node {
  return {
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
  }
}

/** `count` Deployments, each with a ReplicaSet and three Pods: five objects each. */
export function samplePlatform(count: number): Node[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `web-${String(index).padStart(5, '0')}`
    return [
      sample('Deployment', name, { group: 'apps', sync: 'Synced' }),
      sample('ReplicaSet', `${name}-rs`, { group: 'apps', parents: [name] }),
      ...[1, 2, 3].map((pod) => sample('Pod', `${name}-rs-${pod}`, { parents: [`${name}-rs`] })),
    ]
  }).flat()
}
