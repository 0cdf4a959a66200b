/** Search across everything: applications by their rows, objects by what the engine knows (docs/http-api.md, "Ours"). */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useLanguage } from '@/shared/words'
import { ask, pathOf, type Query, urlOf } from './client'
import type { AppRef, Row, Sentence } from './types'

/** One object of an application. */
export interface Resource {
  cluster: string
  group: string
  version: string
  kind: string
  namespace: string
  name: string
  uid: string
  health: string
  sync: string
  images: readonly string[]
  createdAt: string
  application: string
  applicationNamespace: string
  project: string
}

export interface Found {
  applications: readonly Row[]
  resources: readonly Resource[]
  total: { applications: number; resources: number }
  counts: { kind: Readonly<Record<string, number>> }
  /** Why there are no resources, where the engine is away. */
  problem: Sentence | null
}

/** What a search finds; the last answer stays while the next is on its way. Null asks for nothing. */
export function useSearch(query: Query | null) {
  const language = useLanguage()
  return useQuery({
    queryKey: ['search', language, query],
    queryFn: ({ signal }) => ask<Found>('/api/haori/v1/search', { signal, query: query ?? {} }),
    enabled: query !== null,
    placeholderData: query === null ? undefined : keepPreviousData,
  })
}

export function applicationPlace(app: AppRef): string {
  return pathOf('/applications', app.namespace, app.name)
}

/** Where an object is shown: beside its application's tree. */
export function resourcePlace(resource: Resource): string {
  const node = [resource.group, resource.kind, resource.namespace, resource.name].join('/')
  const app = { namespace: resource.applicationNamespace, name: resource.application }
  return urlOf(applicationPlace(app), { node, panel: 'summary' })
}
