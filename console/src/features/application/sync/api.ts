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

const begunKey = (app: AppRef, ...rest: unknown[]) => ['begun', app.namespace, app.name, ...rest]

/** The plan that a sync was asked with, and when the operation before it began. */
interface Begun {
  columns: Column[]
  before: string
}

/** Asks for a sync; the plan that it was asked with is kept, to be filled in while it runs. `before`: see `Begun`. */
export function useSync(app: AppRef, before: string, asked: (dryRun: boolean) => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ body }: { body: { dryRun?: boolean }; columns: Column[] }) =>
      askArgo(app, ['sync'], { method: 'POST', body }),
    onSuccess: (_, { body, columns }) => {
      queries.setQueryData<Begun>(begunKey(app), { columns, before })
      // The running sync takes the planner's place, so what a call of `mutate` would do then may never be done.
      asked(body.dryRun ?? false)
      return queries.invalidateQueries({ queryKey: keyOf(app) })
    },
  })
}

/** The columns of an operation: those it was asked with here, else, while it goes on, planned once at its revision. */
export function useBegun(app: AppRef, startedAt: string, revision: string, isRunning: boolean) {
  const queries = useQueryClient()
  const own = queries.getQueryData<Begun>(begunKey(app))
  const isAsked = own !== undefined && own.before !== startedAt
  return useQuery({
    queryKey: begunKey(app, startedAt),
    queryFn: async ({ signal }) => {
      if (!isAsked) return columnsOf(await askOwn<Plan>(app, ['plan'], { query: { revision }, signal }))
      // The plan is of this operation alone, whatever runs afterwards.
      queries.removeQueries({ queryKey: begunKey(app), exact: true })
      return own.columns
    },
    enabled: isRunning || isAsked,
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
