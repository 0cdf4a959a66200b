/** The objects of an application as the engine has them (`GET /api/haori/v1/applications/NAME/tree`). Pure but for `useTree`. */
import { queryOptions, useQuery } from '@tanstack/react-query'
import type { AppRef, Sentence } from '@/shared/api/types'
import { type ObjectName, objectKey } from './objects'
import { askOwn, keyOf } from './queries'

export interface NodeHealth extends Partial<Sentence> {
  status: string
  message?: string
}

export interface Node extends ObjectName {
  /** Empty: it is wanted and not there. */
  uid: string
  version: string
  /** uids of its owners within the application. */
  parents: readonly string[]
  health: NodeHealth | null
  /** null: it is not of Git, an owner made it. */
  sync: string | null
  createdAt: string
  terminating: boolean
  hook?: boolean
  wave?: number
  requiresPruning?: boolean
}

const OFTEN_MS = 3_000
const SELDOM_MS = 10_000
const MANY_NODES = 500

interface Answer {
  nodes: Node[]
}

/** The tree; re-asked when the application changes (see `useApplicationStream`) and every few seconds, as Pods come and go without a word. */
export function treeQuery(app: AppRef) {
  return queryOptions({
    queryKey: keyOf(app, 'tree'),
    queryFn: ({ signal }: { signal: AbortSignal }) => askOwn<Answer>(app, ['tree'], { signal }),
    refetchInterval: (query) => ((query.state.data?.nodes.length ?? 0) > MANY_NODES ? SELDOM_MS : OFTEN_MS),
  })
}

export function useTree(app: AppRef, isShown = true) {
  return useQuery({ ...treeQuery(app), select: nodesOf, enabled: isShown })
}

function nodesOf(answer: Answer): readonly Node[] {
  return answer.nodes
}

/** What names a node in the URL; it outlives the object's being made anew. */
export function nodeKey(node: ObjectName): string {
  return objectKey(node)
}

/** How a node does; one that is not there is Missing, one without a check has no word. */
export function healthOf(node: Node): string | null {
  return node.uid ? (node.health?.status ?? null) : 'Missing'
}

/** Why a node is not well, in the reader's language; empty where there is nothing to say. */
export function whyOf(node: Node): string {
  const health = node.health
  if (!health || health.status === 'Healthy') return ''
  return (health.text ?? health.message ?? '').trim()
}

/** `apps/Deployment`, or the kind alone where it is of the core group. */
export function kindText({ group, kind }: { group: string; kind: string }): string {
  return group ? `${group}/${kind}` : kind
}

export interface Filters {
  text: string
  kinds: readonly string[]
  health: readonly string[]
  sync: readonly string[]
}

export function filtersOf(params: URLSearchParams): Filters {
  return {
    text: params.get('q') ?? '',
    kinds: params.getAll('kind'),
    health: params.getAll('health'),
    sync: params.getAll('sync'),
  }
}

export function isFiltering(filters: Filters): boolean {
  return Boolean(filters.text) || [filters.kinds, filters.health, filters.sync].some((each) => each.length > 0)
}

/** Whether a node is one of those asked for: words within its kind or name, and one of the chosen of each list. */
export function matches(node: Node, filters: Filters): boolean {
  const hay = `${node.kind} ${node.namespace}/${node.name}`.toLowerCase()
  const words = filters.text.toLowerCase().split(/\s+/).filter(Boolean)
  return (
    words.every((word) => hay.includes(word)) &&
    oneOf(filters.kinds, node.kind) &&
    oneOf(filters.health, healthOf(node) ?? 'None') &&
    oneOf(filters.sync, node.sync ?? 'None')
  )
}

function oneOf(chosen: readonly string[], value: string): boolean {
  return chosen.length === 0 || chosen.includes(value)
}

/** How often each word of a facet is there, most first, then by name. */
export function countBy(nodes: readonly Node[], of: (node: Node) => string | null): [string, number][] {
  const counts = new Map<string, number>()
  for (const node of nodes) {
    const word = of(node) ?? 'None'
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
}
