/** The audit: who changed what, newest first. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { ask, type Query, urlOf } from '@/shared/api/client'

export const PATH = '/api/haori/v1/audit'

export interface Entry {
  id: number
  at: string
  actor: string
  issuer: string
  token: string
  action: string
  object: string
  project: string
  outcome: string
  /** The rule of the policy that decided. */
  rule: string
  request: string
  /** A sentence in the reader's language. */
  text: string
  details: Record<string, unknown>
}

interface Page {
  items: Entry[]
  next: number | null
}

export const FILTERS = ['actor', 'action', 'object', 'project', 'outcome', 'from', 'to'] as const
export type Filter = (typeof FILTERS)[number]
export type Filters = Readonly<Record<Filter, string>>
export const OUTCOMES = ['done', 'refused', 'failed'] as const

/** The filters that an address says. */
export function filtersOf(query: URLSearchParams): Filters {
  return Object.fromEntries(FILTERS.map((each) => [each, query.get(each) ?? ''])) as Record<Filter, string>
}

/** What the server is asked: times of a form, which are local and without a zone, as moments. */
export function queryOf(filters: Filters): Query {
  return { ...filters, from: momentOf(filters.from), to: momentOf(filters.to) }
}

function momentOf(local: string): string {
  const at = local === '' ? Number.NaN : Date.parse(local)
  return Number.isNaN(at) ? '' : new Date(at).toISOString()
}

export function useAudit(filters: Filters) {
  return useInfiniteQuery({
    queryKey: ['audit', filters],
    queryFn: ({ signal, pageParam }) =>
      ask<Page>(PATH, { signal, query: { ...queryOf(filters), before: pageParam || undefined } }),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next ?? undefined,
  })
}

export function exportUrl(filters: Filters, format: 'csv' | 'json'): string {
  return urlOf(`${PATH}/export`, { ...queryOf(filters), format })
}
