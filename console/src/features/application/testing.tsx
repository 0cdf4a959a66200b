/** What tests of one application's pages need: a server that answers, an Application, and a page around the part. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render } from '@testing-library/react'
import type { ReactNode } from 'react'
import { MemoryRouter, useLocation } from 'react-router'
import { vi } from 'vitest'
import type { Application } from './model'

export interface Asked {
  method: string
  url: string
  body: unknown
}

type Answer = unknown | (() => unknown)

/**
 * A server that answers by `METHOD path` (the query does not count) and remembers what it was asked; `denied` actions of
 * applications are not permitted, all others are.
 */
export function serve(answers: Record<string, Answer>, denied: readonly string[] = []): Asked[] {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const path = url.split('?')[0] ?? ''
    const method = init.method ?? 'GET'
    asked.push({ method, url, body: init.body ? JSON.parse(String(init.body)) : undefined })
    const answer = answers[`${method} ${path}`] ?? known(path, denied)
    if (answer === undefined) return new Response(JSON.stringify({ message: `no ${method} ${path}` }), { status: 404 })
    return answer instanceof Response ? answer.clone() : new Response(JSON.stringify(answer))
  })
  return asked
}

function known(path: string, denied: readonly string[]): unknown {
  if (path === '/api/v1/settings') return { controllerNamespace: 'argocd' }
  const action = /^\/api\/v1\/account\/can-i\/applications\/([^/]+)\//.exec(path)?.[1]
  return action === undefined ? undefined : { value: denied.includes(action) ? 'no' : 'yes' }
}

/** Shows a part at an address, and another in its place by `change`; where the reader is stands in the element `place`. */
export function show(part: ReactNode, at = '/applications/argocd/shop/sync') {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  const page = (shown: ReactNode) => (
    <QueryClientProvider client={queries}>
      <MemoryRouter initialEntries={[at]}>
        {shown}
        <Place />
      </MemoryRouter>
    </QueryClientProvider>
  )
  const view = render(page(part))
  return { ...view, change: (to: ReactNode) => view.rerender(page(to)) }
}

function Place() {
  const place = useLocation()
  return <div data-testid="place">{place.pathname + place.search}</div>
}

/** An application named shop, with the parts that a test is about. */
export function shop(
  status: Application['status'] = {},
  spec: Partial<Application['spec']> = {},
  annotations: Record<string, string> = {},
): Application {
  return {
    metadata: { name: 'shop', namespace: 'argocd', annotations },
    spec: {
      project: 'default',
      source: { repoURL: 'https://git.example/shop.git', path: 'deploy', targetRevision: 'main' },
      destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' },
      ...spec,
    },
    status,
  }
}
