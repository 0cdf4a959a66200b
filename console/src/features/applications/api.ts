import { useQuery } from '@tanstack/react-query'
import { ask } from '@/shared/api/client'
import type { Row } from '@/shared/api/types'

export interface Listing {
  items: Row[]
  total: number
  counts: Record<'health' | 'sync' | 'project', Record<string, number>>
  cursor: string
}

export function useListing() {
  return useQuery({
    queryKey: ['applications'],
    queryFn: ({ signal }) => ask<Listing>('/api/haori/v1/applications', { signal }),
  })
}
