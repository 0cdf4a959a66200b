import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen, within } from '@testing-library/react'
import { MemoryRouter } from 'react-router'
import { afterEach, expect, it, vi } from 'vitest'
import { Component } from './page'

afterEach(() => vi.unstubAllGlobals())

const times = { count: 4, mean: 0.01, p50: 0.005, p99: 0.1 }
const cluster = {
  server: 'https://kubernetes.default.svc',
  name: 'in-cluster',
  version: '1.33',
  up: true,
  objects: 1234,
  types: 40,
  events: 9,
  window: 16,
  inFlight: 1,
  waiting: 0,
  throttled: 2,
  usualSeconds: 0.004,
}
const figures = {
  leading: true,
  ready: true,
  term: 1,
  isolation: 'namespaces',
  applications: 8,
  queue: { waiting: 3, running: 1, later: 2, done: 400, waits: times, work: times },
  looks: times,
  render: {
    hits: 90,
    renders: 7,
    errors: 0,
    entries: 7,
    bytes: 2 ** 21,
    memory_bytes: 2 ** 20,
    times: { kustomize: times },
  },
  clusters: [cluster],
  slow: [{ namespace: 'argocd', name: 'shop', seconds: 1.5 }],
  noisy: [{ server: cluster.server, group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web', changes: 77 }],
  settings: [],
  lag: times,
  memoryBytes: 100 * 2 ** 20,
}

function show(status: number, body: unknown) {
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(body), { status }))
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <MemoryRouter>
        <Component />
      </MemoryRouter>
    </QueryClientProvider>,
  )
}

it('shows what waits, what is slow, what makes noise', async () => {
  show(200, figures)
  expect(await screen.findByText('Leads')).toBeVisible()
  const slow = within(screen.getByRole('table', { name: 'Slow applications' }))
  expect(slow.getByRole('link', { name: 'argocd/shop' })).toHaveAttribute('href', '/applications/argocd/shop')
  expect(slow.getByText('1.5 s')).toBeVisible()
  const noisy = within(screen.getByRole('table', { name: 'Noisy objects' }))
  expect(noisy.getByText('Deployment.apps shop/web')).toBeVisible()
  expect(screen.getByRole('row', { name: /kustomize 4 5 ms 100 ms/ })).toBeVisible()
})

it('names settings that cannot be read', async () => {
  const reason = { code: 'x', text: 'not a number' }
  show(200, { ...figures, settings: [{ path: 'timeout.reconciliation', reason }] })
  expect(await screen.findByText('timeout.reconciliation')).toBeVisible()
})

it('says that a cluster is down, and what is empty', async () => {
  show(200, { ...figures, slow: [], clusters: [{ ...cluster, up: false }] })
  expect(await screen.findByText('in-cluster (down)')).toBeVisible()
  expect(screen.getByText('Nothing to show yet.')).toBeVisible()
})

it('says why there are no figures', async () => {
  show(503, { message: 'the engine is away', haori: { code: 'engine-away', hint: 'it comes back' } })
  expect(await screen.findByText('the engine is away')).toBeVisible()
})
