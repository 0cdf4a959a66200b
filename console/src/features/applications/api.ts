/**
 * The rows of the list: pages that are asked for as they come into view, kept true by the changes the server tells.
 */
import { keepPreviousData, type QueryClient, queryOptions, useQueries, useQuery } from '@tanstack/react-query'
import { ask, pathOf, type Query } from '@/shared/api/client'
import { applicationPlace } from '@/shared/api/search'
import type { Row } from '@/shared/api/types'
import { currentLanguage, useLanguage } from '@/shared/words'
import { queryOf, readState } from './state'

export const PATH = '/api/haori/v1/applications'
export const ROWS = ['applications', 'rows'] as const
export const PER_PAGE = 100
const MOST_PER_PAGE = 500
/** Pages stay true by the stream; they are asked for again now and then all the same. */
const STALE_MS = 60_000

export type Counts = Readonly<Record<string, number>>

/** Rows that stand together; `value` is empty where they lack what is grouped by, null for all groups beyond the bound. */
export interface Group {
  value: string | null
  total: number
  health: Counts
  sync: Counts
}

export interface Listing {
  items: readonly Row[]
  total: number
  counts: Readonly<Record<string, Counts>>
  groups: readonly Group[]
  cursor: string
}

function pageOptions(query: Query, page: number) {
  return queryOptions({
    queryKey: [...ROWS, currentLanguage(), query, page],
    queryFn: ({ signal }) => ask<Listing>(PATH, { signal, query: { ...query, page, perPage: PER_PAGE } }),
    staleTime: STALE_MS,
  })
}

/** The first page: it also says how many there are, and of what. The last one stays while another is asked for. */
export function useFirst(query: Query) {
  useLanguage()
  return useQuery({ ...pageOptions(query, 1), placeholderData: keepPreviousData })
}

/** Asks for the first page that an address wants, before it is shown. */
export async function begin(queries: QueryClient, { search }: { search: URLSearchParams }): Promise<void> {
  void queries.prefetchQuery(pageOptions(queryOf(readState(search)), 1))
}

export type RowAt = (index: number) => Row | undefined

/** The rows of these pages, as far as they are here. */
export function useRows(query: Query, pages: readonly number[]): { rowAt: RowAt; error: unknown } {
  useLanguage()
  const found = useQueries({ queries: pages.map((page) => pageOptions(query, page)) })
  const byPage = new Map(pages.map((page, index) => [page, found[index]?.data]))
  return {
    rowAt: (index) => byPage.get(Math.floor(index / PER_PAGE) + 1)?.items[index % PER_PAGE],
    error: found.find((each) => each.error)?.error ?? null,
  }
}

/** All rows that a query finds, `most` of them at most. */
export async function askAll(query: Query, most: number): Promise<Row[]> {
  const rows: Row[] = []
  for (let page = 1; rows.length < most; page++) {
    const listing = await ask<Listing>(PATH, { query: { ...query, group: '', page, perPage: MOST_PER_PAGE } })
    rows.push(...listing.items)
    if (listing.items.length === 0 || rows.length >= listing.total) break
  }
  return rows.slice(0, most)
}

export type Ref = Pick<Row, 'namespace' | 'name'>

export function keyOf(row: Ref): string {
  return `${row.namespace}/${row.name}`
}

/** The page of an application. */
export function placeOf(row: Ref): string {
  return applicationPlace(row)
}

/** Argo CD's path of an application. */
export function argoPath(row: Ref): string {
  return pathOf('/api/v1/applications', row.name)
}
