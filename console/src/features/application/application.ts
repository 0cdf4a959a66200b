/** The application as it is now: asked for once, then kept up to date by the server's stream. */
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { ApiError, urlOf } from '@/shared/api/client'
import { type StreamState, useStream } from '@/shared/api/stream'
import type { AppRef } from '@/shared/api/types'
import type { Application } from './model'
import { askArgo, keyOf } from './queries'
import type { OperationState } from './sync/operation'
import { wavesOf } from './sync/plan'

/** What an Application says of each of its objects, twice: with a large tree it is nearly all of it. */
const LEFT_OUT = ['status.resources', 'status.operationState.syncResult.resources']

interface Change {
  result?: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; application: Application }
}

/** One query for all who read it; whoever follows it with `useApplicationStream` keeps it fresh. */
export function applicationQuery(app: AppRef) {
  return queryOptions({
    queryKey: keyOf(app),
    queryFn: ({ signal }) => askArgo<Application>(app, [], { query: { fields: `-${LEFT_OUT}` }, signal }),
    // The stream tells of changes: asking anew on every visit of a tab would only cost.
    staleTime: 60_000,
  })
}

export function useApplication(app: AppRef) {
  return useQuery(applicationQuery(app))
}

/** `known`, the operation under way or last run, with what became of each object. */
export function useOperation(app: AppRef, known: OperationState | undefined) {
  return useWhole(app, known, (application) => application.status?.operationState)
}

/** The same, with the waves of the objects that the application has now. */
export function useOperationInWaves(app: AppRef, known: OperationState) {
  return useWhole(app, known, operationInWaves)
}

function operationInWaves({ status }: Application) {
  return status?.operationState && { state: status.operationState, waves: wavesOf(status.resources ?? []) }
}

function useWhole<Part>(app: AppRef, known: OperationState | undefined, select: (application: Application) => Part) {
  return useQuery({
    queryKey: keyOf(app, 'operation', known?.startedAt),
    queryFn: ({ signal }) =>
      askArgo<Application>(app, [], { query: { fields: 'status.operationState,status.resources' }, signal }),
    select,
    enabled: known !== undefined,
  })
}

/** Follows the application. Stands once, in the page; what hangs on it (diff, tree, plan) goes stale with it. */
export function useApplicationStream(app: AppRef): StreamState {
  const queries = useQueryClient()
  const fields = `-${LEFT_OUT.map((each) => `result.application.${each}`)}`
  const { name, namespace } = app
  const url = urlOf('/api/v1/stream/applications', { name, appNamespace: namespace, fields, status: 'true' })
  return useStream(url, {
    message: (data) => {
      const change = (data as Change).result
      if (!change || change.application.metadata.namespace !== app.namespace) return
      if (change.type === 'DELETED') return void queries.invalidateQueries({ queryKey: keyOf(app), exact: true })
      const known = queries.getQueryData<Application>(keyOf(app))
      queries.setQueryData(keyOf(app), change.application)
      if (!known || known.metadata.resourceVersion === change.application.metadata.resourceVersion) return
      void queries.invalidateQueries({ queryKey: keyOf(app), predicate: (query) => query.queryKey.length > 3 })
    },
  })
}

export function isGone(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 403)
}
