import { useQuery } from '@tanstack/react-query'
import { ask, pathOf } from '@/shared/api/client'
import type { Sentence } from '@/shared/api/types'

const PATH = '/api/haori/v1/clusters'
const EVERY_MS = 15_000

/** What the engine knows of a cluster that it watches. */
export interface Watched {
  up: boolean
  version: string
  objects: number
  types: number
  events: number
  /** Requests at once that the cluster is thought to bear. */
  window: number
  inFlight: number
  waiting: number
  throttled: number
  usualSeconds: number
}

export interface Cluster {
  server: string
  name: string
  project: string
  namespaces: string[] | null
  connectionState?: { status: string; message: string }
  info?: { applicationsCount?: number | string; serverVersion?: string }
  engine: Watched | null
}

export interface Node {
  name: string
  ready: boolean
  unschedulable: boolean
  pressure: string[]
  roles: string[]
  version: string
  system: string
  architecture: string
  zone: string
  capacity: Record<string, string>
  createdAt: string
  /** How many Pods, by phase. */
  pods: Record<string, number>
}

export function useClusters() {
  return useQuery({
    queryKey: ['clusters'],
    queryFn: ({ signal }) => ask<{ items: Cluster[]; problem: Sentence | null }>(PATH, { signal }),
    refetchInterval: EVERY_MS,
  })
}

export function useNodes(server: string) {
  return useQuery({
    queryKey: ['clusters', server, 'nodes'],
    queryFn: ({ signal }) =>
      ask<{ items: Node[]; problem: Sentence | null }>(`${pathOf(PATH, server)}/nodes`, { signal }),
    refetchInterval: EVERY_MS,
  })
}

export type State = 'up' | 'down' | 'unknown'

/** Whether a cluster answers: the engine watches it all the time, the server only looks now and then. */
export function stateOf({ engine, connectionState }: Cluster): State {
  if (engine) return engine.up ? 'up' : 'down'
  if (connectionState?.status === 'Successful') return 'up'
  return connectionState?.status === 'Failed' ? 'down' : 'unknown'
}

/** The phases of Pods in the order of their lives; what we have never heard of comes last. */
const PHASES = ['Running', 'Pending', 'Succeeded', 'Failed', 'Unknown']

export function phasesOf(pods: Readonly<Record<string, number>>): (readonly [string, number])[] {
  const place = (phase: string) => (PHASES.indexOf(phase) + PHASES.length + 1) % (PHASES.length + 1)
  return Object.entries(pods)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b))
}

export function countOf(pods: Readonly<Record<string, number>>): number {
  return Object.values(pods).reduce((sum, count) => sum + count, 0)
}

const SIZES = { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, Ti: 1024 ** 4 } as const

/** A quantity of memory in GiB, such as `15.6 GiB`; what cannot be read stays as it is. */
export function memoryOf(quantity: string | undefined): string {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti)?$/.exec(quantity ?? '') ?? []
  if (count === undefined) return quantity ?? ''
  const bytes = Number(count) * (unit ? SIZES[unit as keyof typeof SIZES] : 1)
  return `${(bytes / SIZES.Gi).toFixed(1)} GiB`
}
