import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { AppRef } from '@/shared/api/types'
import { askArgo, askOwn, keyOf } from '../queries'
import type { SyncOperation } from './operation'
import { type Column, columnsOf, type Plan } from './plan'

/** What an operation would do; who may not sync sees the plan of a plain sync of its revision. */
export function usePlan(app: AppRef, operation: SyncOperation, may: boolean | undefined) {
  return useQuery({
    queryKey: keyOf(app, 'plan', operation, may),
    queryFn: ({ signal }) =>
      may
        ? askOwn<Plan>(app, ['plan'], { method: 'POST', body: { operation: { sync: operation } }, signal })
        : askOwn<Plan>(app, ['plan'], { query: { revision: operation.revision, prune: operation.prune }, signal }),
    enabled: may !== undefined,
    placeholderData: keepPreviousData,
  })
}

/** What following Git again would do to an application that a pin holds. */
export function useUnpinnedPlan(app: AppRef, prune: boolean) {
  return useQuery({
    queryKey: keyOf(app, 'plan', 'unpinned', prune),
    queryFn: ({ signal }) => askOwn<Plan>(app, ['plan'], { query: { unpinned: true, prune }, signal }),
  })
}

const begunKey = (app: AppRef) => ['begun', app.namespace, app.name]

/** Asks for a sync; the plan that it was asked with is kept, to be filled in while it runs. */
export function useSync(app: AppRef) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ body }: { body: Record<string, unknown>; columns: Column[] }) =>
      askArgo(app, ['sync'], { method: 'POST', body }),
    onSuccess: (_, { columns }) => {
      queries.setQueryData(begunKey(app), columns)
      return queries.invalidateQueries({ queryKey: keyOf(app) })
    },
  })
}

/** The columns of an operation that is under way: those it was begun with here, else planned once at its revision. */
export function useBegun(app: AppRef, revision: string, isRunning: boolean) {
  return useQuery({
    queryKey: begunKey(app),
    queryFn: async ({ signal }) => columnsOf(await askOwn<Plan>(app, ['plan'], { query: { revision }, signal })),
    enabled: isRunning,
    staleTime: Number.POSITIVE_INFINITY,
  })
}

export function useTerminate(app: AppRef) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => askArgo(app, ['operation'], { method: 'DELETE' }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keyOf(app) }),
  })
}
