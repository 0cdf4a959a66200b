import { useQuery } from '@tanstack/react-query'
import type { AppRef } from '@/shared/api/types'
import type { ObjectName } from '../objects'
import { askOwn, keyOf } from '../queries'
import type { Compared } from './rows'

export interface Differing extends ObjectName, Compared {
  missing: boolean
  extra: boolean
}

/** The objects that differ from what Git wants, or from what `revision` says. */
export function useDiff(app: AppRef, revision: string) {
  return useQuery({
    queryKey: keyOf(app, 'diff', revision),
    queryFn: ({ signal }) => askOwn<{ items: Differing[] }>(app, ['diff'], { query: { revision }, signal }),
    select: ({ items }) => items,
  })
}
