import { healthOf, type Node } from '../nodes'

export const ORDERS = ['kind', 'name', 'namespace', 'sync', 'health', 'wave', 'age'] as const
export type Order = (typeof ORDERS)[number]

/** Worst first: what a reader looks for. */
const RANKS: Readonly<Record<string, number>> = {
  Degraded: 0,
  Missing: 1,
  OutOfSync: 1,
  Progressing: 2,
  Unknown: 3,
  Suspended: 4,
  Healthy: 5,
  Synced: 5,
}
const LAST = 9

/** `-name` turns `name` round; what is not an order is kind, as Git's files mostly are. */
export function orderOf(text: string | null): { order: Order; isReversed: boolean } {
  const isReversed = text?.startsWith('-') ?? false
  const word = isReversed ? text?.slice(1) : text
  return { order: ORDERS.find((each) => each === word) ?? 'kind', isReversed }
}

/** In a total order: equal ones by kind, namespace and name, whichever way the rest is turned. */
export function sortNodes(nodes: readonly Node[], text: string | null): Node[] {
  const { order, isReversed } = orderOf(text)
  const sign = isReversed ? -1 : 1
  return [...nodes].sort((a, b) => sign * compare(by(a, order), by(b, order)) || compare(identity(a), identity(b)))
}

function by(node: Node, order: Order): string | number {
  switch (order) {
    case 'kind':
      return node.kind
    case 'name':
      return node.name
    case 'namespace':
      return node.namespace
    case 'sync':
      return RANKS[node.sync ?? ''] ?? LAST
    case 'health':
      return RANKS[healthOf(node) ?? ''] ?? LAST
    case 'wave':
      return node.wave ?? 0
    case 'age':
      // Youngest first, as ages grow.
      return -(Date.parse(node.createdAt) || 0)
  }
}

function identity(node: Node): string {
  return `${node.kind} ${node.group} ${node.namespace} ${node.name}`
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
