import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { AppRef } from '@/shared/api/types'
import type { Json } from '../diff/paths'
import type { ObjectName } from '../objects'
import { askOwn, keyOf } from '../queries'
import type { RollbackBody } from './rollback'

export type Change = 'added' | 'removed' | 'changed'

export interface Release {
  id: number
  revisions: string[]
  startedAt: string
  deployedAt: string
  seconds: number | null
  who: string
  automated: boolean
  commit: { author: string; date: string; message: string; revision: string } | null
  /** null: the release cannot be rendered any more. */
  images: string[] | null
  changed: (ObjectName & { change: Change })[] | null
}

/** The releases that the application remembers, newest first. */
export function useReleases(app: AppRef) {
  return useQuery({
    queryKey: keyOf(app, 'history'),
    queryFn: ({ signal }) => askOwn<{ items: Release[] }>(app, ['history'], { signal }),
    select: ({ items }) => items,
  })
}

export interface Compared extends ObjectName {
  change: Change
  from: Json | null
  to: Json | null
}

/** Objects that are otherwise in one release than in another; `to` null: than what is wanted now. */
export function useComparison(app: AppRef, from: number, to: number | null) {
  return useQuery({
    queryKey: keyOf(app, 'compare', from, to),
    queryFn: ({ signal }) =>
      askOwn<{ items: Compared[] }>(app, ['compare'], { query: { from, ...(to === null ? {} : { to }) }, signal }),
    select: ({ items }) => items,
  })
}

interface Done {
  hooks: string[]
  commits?: { repository: string; branch: string; revision: string; paths: string[] }[]
}

export function useRollback(app: AppRef) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: RollbackBody) => askOwn<Done>(app, ['rollback'], { method: 'POST', body }),
    onSettled: () => queries.invalidateQueries({ queryKey: keyOf(app) }),
  })
}
