/** Who is signed in, and what they may: read by the shell and by every button that needs a permission. */
import { queryOptions, useQuery } from '@tanstack/react-query'
import { ask, pathOf } from './client'
import type { User } from './types'

export const USER = ['session', 'user'] as const

export const userQuery = queryOptions({
  queryKey: USER,
  queryFn: ({ signal }) => ask<User>('/api/v1/session/userinfo', { signal }),
})

const AGAIN_MS = 3000

/** Asked again by itself where nobody could tell: without it no page is shown at all. */
export function useUser() {
  return useQuery({
    ...userQuery,
    refetchInterval: ({ state }) => (state.data === undefined && state.errorUpdateCount > 0 ? AGAIN_MS : false),
  })
}

/**
 * Whether the reader may do `action` to `object` of `resource` (docs/access.md); undefined while nobody knows.
 * URLs are parts of an object that hold slashes themselves: such an object is given as its parts.
 * A page shows what it cannot do disabled and says which permission lacks; the server decides anyway.
 */
export function useMay(resource: string, action: string, object: string | readonly string[]): boolean | undefined {
  const parts = typeof object === 'string' ? object.split('/') : object
  const path = ['/api/v1/account/can-i', resource, action, ...parts] as const
  const query = useQuery({
    queryKey: ['may', resource, action, object],
    queryFn: ({ signal }) => ask<{ value: string }>(pathOf(...path), { signal }),
    staleTime: 60_000,
  })
  return query.data ? query.data.value === 'yes' : undefined
}
