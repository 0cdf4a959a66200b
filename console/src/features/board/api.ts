import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ask } from '@/shared/api/client'
import type { ApplicationFacts } from '@/shared/api/types'
import { useLanguage } from '@/shared/words'

export interface Cell extends ApplicationFacts {
  application: string
  /** Further applications of the same app in the same environment. */
  more: readonly Omit<Cell, 'more'>[]
}

export interface App {
  name: string
  partOf: string
  cells: Readonly<Record<string, Cell>>
  drift: boolean
}

export interface Board {
  /** In the order of a release; an empty one, the last, has what tells none. */
  environments: readonly string[]
  apps: readonly App[]
  total: number
}

/** Not a stream: a board is looked at, and asked for again while it is. */
const AGAIN_MS = 10_000

export function useBoard(search: string, limit: number) {
  const language = useLanguage()
  return useQuery({
    queryKey: ['board', language, search, limit],
    queryFn: ({ signal }) => ask<Board>('/api/haori/v1/board', { signal, query: { search, limit } }),
    placeholderData: keepPreviousData,
    refetchInterval: AGAIN_MS,
  })
}
