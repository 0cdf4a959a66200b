/** How the engine does: `GET /api/haori/v1/engine`. Everything there is a metric as well (docs/observability.md). */
import { useQuery } from '@tanstack/react-query'
import { ask } from '@/shared/api/client'
import type { Sentence } from '@/shared/api/types'

const EVERY_MS = 5_000

/** Seconds; quantiles are upper bounds of buckets, null beyond the last. */
export interface Times {
  count: number
  mean: number
  p50: number | null
  p99: number | null
}

export interface ClusterFigures {
  server: string
  name: string
  version: string
  up: boolean
  objects: number
  types: number
  events: number
  window: number
  inFlight: number
  waiting: number
  throttled: number
  usualSeconds: number
}

export interface Figures {
  leading: boolean
  ready: boolean
  term: number
  isolation: string
  applications: number
  queue: { waiting?: number; running?: number; later?: number; done?: number; waits: Times; work: Times }
  looks: Times
  render: {
    hits?: number
    renders?: number
    errors?: number
    entries?: number
    bytes?: number
    memory_bytes?: number
    times: Record<string, Times>
  }
  clusters: ClusterFigures[]
  slow: { namespace: string; name: string; seconds: number }[]
  noisy: { server: string; group: string; kind: string; namespace: string; name: string; changes: number }[]
  settings: { path: string; reason: Sentence }[]
  lag: Times
  memoryBytes: number
}

export function useFigures() {
  return useQuery({
    queryKey: ['engine'],
    queryFn: ({ signal }) => ask<Figures>('/api/haori/v1/engine', { signal }),
    refetchInterval: EVERY_MS,
  })
}

/** Seconds as people read them: `3 ms`, `1.2 s`; `–` for what is not known. */
export function shortTime(seconds: number | null): string {
  if (seconds === null) return '–'
  if (seconds === 0) return '0'
  if (seconds < 0.001) return `${Math.round(seconds * 1_000_000)} µs`
  if (seconds < 1) return `${short(seconds * 1000)} ms`
  return `${short(seconds)} s`
}

/** One digit after the point below ten, none above. */
function short(value: number): string {
  return value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : String(Math.round(value))
}

/** Bytes in MiB or GiB. */
export function shortSize(bytes: number): string {
  const mebi = bytes / 1024 ** 2
  return mebi < 1024 ? `${Math.round(mebi)} MiB` : `${(mebi / 1024).toFixed(1)} GiB`
}
