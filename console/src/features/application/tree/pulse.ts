/** Which nodes have just changed, so that each of them can be seen to, once. */
import { useRef } from 'react'
import { healthOf, type Node, nodeKey } from '../nodes'

/** What of a node counts as a change. */
export function printOf(node: Node): string {
  return [node.uid, node.sync, healthOf(node), node.terminating, node.health?.message].join(' ')
}

/** Keys of nodes that are new or other than before; none where there was nothing before. */
export function changedKeys(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  if (before.size === 0) return []
  return [...after].filter(([key, print]) => before.get(key) !== print).map(([key]) => key)
}

/** How often each node has changed since the page was opened, by its key. */
export function usePulses(nodes: readonly Node[]): ReadonlyMap<string, number> {
  const known = useRef<{ nodes: readonly Node[]; prints: ReadonlyMap<string, string>; counts: Map<string, number> }>({
    nodes: [],
    prints: new Map(),
    counts: new Map(),
  })
  if (known.current.nodes !== nodes) {
    const prints = new Map(nodes.map((node) => [nodeKey(node), printOf(node)]))
    const counts = new Map(known.current.counts)
    for (const key of changedKeys(known.current.prints, prints)) counts.set(key, (counts.get(key) ?? 0) + 1)
    known.current = { nodes, prints, counts }
  }
  return known.current.counts
}
