/** The names of the clusters that the reader may see. */
import { useQuery } from '@tanstack/react-query'
import { ask, urlOf } from './client'

interface ClusterName {
  name: string
  server: string
}

const MINUTES = 60_000

export function useClusterNames(isWanted: boolean) {
  return useQuery({
    queryKey: ['clusters', 'names'],
    queryFn: ({ signal }) => ask<{ items: ClusterName[] | null }>('/api/v1/clusters', { signal }),
    select: ({ items }) => (items ?? []).map((each) => each.name || each.server),
    enabled: isWanted,
    staleTime: MINUTES,
  })
}

/** What runs on a cluster. */
export function clusterPlace(name: string): string {
  return urlOf('/applications', { cluster: name })
}
