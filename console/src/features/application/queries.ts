/** Where one application is asked for, and under which keys its answers are kept. */
import { useQuery } from '@tanstack/react-query'
import { ask, pathOf, type Request } from '@/shared/api/client'
import { useMay } from '@/shared/api/session'
import type { AppRef } from '@/shared/api/types'
import { type Application, policyName } from './model'

/** Asks our own API about `app`. Raises ApiError. */
export function askOwn<Answer>(app: AppRef, what: readonly string[], request: Request = {}): Promise<Answer> {
  return ask(pathOf('/api/haori/v1/applications', app.name, ...what), placed(app, request))
}

/** Asks Argo CD's API about `app`. Raises ApiError. */
export function askArgo<Answer>(app: AppRef, what: readonly string[], request: Request = {}): Promise<Answer> {
  return ask(pathOf('/api/v1/applications', app.name, ...what), placed(app, request))
}

function placed(app: AppRef, request: Request): Request {
  return { ...request, query: { appNamespace: app.namespace, ...request.query } }
}

/** The key of everything known of `app`; what is begun with it goes stale together. */
export function keyOf(app: AppRef, ...rest: unknown[]) {
  return ['application', app.namespace, app.name, ...rest] as const
}

/** The namespace whose applications are named without it. */
export function useControlNamespace(): string {
  const settings = useQuery({
    queryKey: ['settings', 'control-namespace'],
    queryFn: ({ signal }) => ask<{ controllerNamespace?: string }>('/api/v1/settings', { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return settings.data?.controllerNamespace || 'argocd'
}

/** Whether the reader may do `action` to the application, with the permission as policies write it. */
export function useMayHere(application: Application, action: string): { may: boolean | undefined; permission: string } {
  const name = policyName(application, useControlNamespace())
  return { may: useMay('applications', action, name), permission: `applications, ${action}, ${name}` }
}
