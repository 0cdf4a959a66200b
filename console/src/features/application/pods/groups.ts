/** Pods of an application by where they run or by what they belong to. Pure. */
import type { Node } from '../nodes'

export interface PodFacts {
  uid: string
  namespace: string
  name: string
  node: string
  phase: string
  health: { status: string; text?: string; message?: string } | null
  ready: number
  total: number
  restarts: number
  createdAt: string
  terminating: boolean
  containers: { name: string; image: string; init: boolean; state: string; reason: string }[]
}

export const GROUPINGS = ['node', 'owner'] as const
export type Grouping = (typeof GROUPINGS)[number]

export interface PodGroup {
  /** Empty: Pods that have no place yet, or nobody they belong to. */
  name: string
  pods: PodFacts[]
  /** Pods in it that are not well. */
  unwell: number
}

export function groupPods(pods: readonly PodFacts[], nodes: readonly Node[], by: Grouping): PodGroup[] {
  const owners = by === 'owner' ? ownersOf(nodes) : null
  const groups = new Map<string, PodFacts[]>()
  for (const pod of pods) {
    const name = owners ? (owners.get(pod.uid) ?? '') : pod.node
    groups.set(name, [...(groups.get(name) ?? []), pod])
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, members]) => ({
      name,
      pods: [...members].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1)),
      unwell: members.filter(isUnwell).length,
    }))
}

export function isUnwell(pod: PodFacts): boolean {
  return pod.terminating || (pod.health !== null && pod.health.status !== 'Healthy')
}

/** What each Pod belongs to in the end, such as its Deployment: by the Pod's uid. */
function ownersOf(nodes: readonly Node[]): ReadonlyMap<string, string> {
  const byUid = new Map(nodes.filter((node) => node.uid).map((node) => [node.uid, node]))
  const found = new Map<string, string>()
  for (const pod of nodes) {
    if (pod.kind !== 'Pod' || !pod.uid) continue
    const seen = new Set([pod.uid])
    let at = pod
    for (;;) {
      const owner = at.parents.map((uid) => byUid.get(uid)).find((each) => each && !seen.has(each.uid))
      if (!owner) break
      seen.add(owner.uid)
      at = owner
    }
    if (at !== pod) found.set(pod.uid, `${at.kind} ${at.name}`)
  }
  return found
}

/** Why a Pod is not well, in one line: the reader's sentence, else what its containers say. */
export function reasonOf(pod: PodFacts): string {
  if (!isUnwell(pod)) return ''
  const told = (pod.health?.text ?? pod.health?.message ?? '').trim()
  return told || (pod.containers.find((each) => each.reason)?.reason ?? '')
}
