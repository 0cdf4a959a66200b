/** Everything the panel of one object asks for. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { AppRef } from '@/shared/api/types'
import type { Node } from '../nodes'
import { askArgo, keyOf } from '../queries'

export type Manifest = Record<string, unknown> & {
  metadata?: {
    labels?: Record<string, string>
    annotations?: Record<string, string>
    managedFields?: unknown
    [name: string]: unknown
  }
}

const OFTEN_MS = 5_000

function named({ group, version, kind, namespace, name }: Node) {
  return { group, version, kind, namespace, resourceName: name }
}

function keyFor(app: AppRef, what: string, node: Node) {
  return keyOf(app, what, node.group, node.kind, node.namespace, node.name)
}

/** The object as it is in the cluster, secrets masked by the server. */
export function useLive(app: AppRef, node: Node) {
  return useQuery({
    queryKey: keyFor(app, 'live', node),
    queryFn: ({ signal }) => askArgo<{ manifest: string }>(app, ['resource'], { query: named(node), signal }),
    enabled: node.uid !== '',
    refetchInterval: OFTEN_MS,
    select: (answer) => JSON.parse(answer.manifest) as Manifest,
  })
}

export interface Managed {
  targetState?: string
  liveState?: string
  normalizedLiveState?: string
  predictedLiveState?: string
}

/** The object as Git wants it beside what is there; null where Git does not name it. */
export function useManaged(app: AppRef, node: Node, isWanted: boolean) {
  const { group, kind, namespace, name } = node
  return useQuery({
    queryKey: keyFor(app, 'managed', node),
    queryFn: ({ signal }) =>
      askArgo<{ items: Managed[] }>(app, ['managed-resources'], { query: { group, kind, namespace, name }, signal }),
    enabled: isWanted,
    select: (answer) => answer.items[0] ?? null,
  })
}

export interface KubernetesEvent {
  metadata: { uid: string; name: string; creationTimestamp?: string }
  involvedObject?: { kind?: string; name?: string; namespace?: string }
  reason?: string
  message?: string
  type?: string
  count?: number
  firstTimestamp?: string
  lastTimestamp?: string
  eventTime?: string
  source?: { component?: string }
  reportingComponent?: string
}

export function timeOf(event: KubernetesEvent): string {
  return event.lastTimestamp || event.eventTime || event.firstTimestamp || event.metadata.creationTimestamp || ''
}

/** Newest first. */
export function useEvents(app: AppRef, node: Node | null) {
  const query = node ? { resourceName: node.name, resourceNamespace: node.namespace, resourceUID: node.uid } : {}
  return useQuery({
    queryKey: node ? keyFor(app, 'events', node) : keyOf(app, 'events'),
    queryFn: ({ signal }) => askArgo<{ items?: KubernetesEvent[] }>(app, ['events'], { query, signal }),
    refetchInterval: OFTEN_MS,
    select: newestFirst,
  })
}

function newestFirst(answer: { items?: KubernetesEvent[] }): KubernetesEvent[] {
  return [...(answer.items ?? [])].sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1))
}

export interface ActionParameter {
  name: string
  type?: string
  default?: string
}

export interface Action {
  name: string
  displayName?: string
  disabled?: boolean
  params?: ActionParameter[]
}

export function useActions(app: AppRef, node: Node) {
  return useQuery({
    queryKey: keyFor(app, 'actions', node),
    queryFn: ({ signal }) =>
      askArgo<{ actions?: Action[] }>(app, ['resource', 'actions'], { query: named(node), signal }),
    select: (answer) => answer.actions ?? [],
  })
}

/** Carries out one action; what is known of the application goes stale afterwards. */
export function useRun(app: AppRef, node: Node) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ action, values }: { action: string; values: Record<string, string> }) =>
      askArgo(app, ['resource', 'actions', 'v2'], { method: 'POST', body: requestOf(app, node, action, values) }),
    onSettled: () => queries.invalidateQueries({ queryKey: keyOf(app) }),
  })
}

/** The body of an action, as Argo CD's newer clients send it. */
export function requestOf(app: AppRef, node: Node, action: string, values: Record<string, string>) {
  const resourceActionParameters = Object.entries(values).map(([name, value]) => ({ name, value }))
  return { name: app.name, appNamespace: app.namespace, ...named(node), action, resourceActionParameters }
}

export type Removal = 'foreground' | 'background' | 'orphan'

export function useRemove(app: AppRef, node: Node) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (how: Removal) =>
      askArgo(app, ['resource'], {
        method: 'DELETE',
        query: { ...named(node), force: how === 'background', orphan: how === 'orphan' },
      }),
    onSettled: () => queries.invalidateQueries({ queryKey: keyOf(app) }),
  })
}
