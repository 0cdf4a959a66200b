import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen, within } from '@testing-library/react'
import { MemoryRouter } from 'react-router'
import { afterEach, expect, it, vi } from 'vitest'
import { Component } from './page'

afterEach(() => vi.unstubAllGlobals())

const engine = {
  up: true,
  version: '1.33',
  objects: 1234,
  types: 40,
  events: 9,
  window: 16,
  inFlight: 1,
  waiting: 2,
  throttled: 0,
  usualSeconds: 0.004,
}
const cluster = {
  server: 'https://a',
  name: 'tokyo',
  project: '',
  namespaces: null,
  engine,
  info: { applicationsCount: 8 },
}
const node = {
  name: 'node-1',
  ready: false,
  unschedulable: true,
  pressure: ['DiskPressure'],
  roles: [],
  version: 'v1.33',
  system: '',
  architecture: 'amd64',
  zone: '',
  capacity: { cpu: '4', memory: '8Gi' },
  createdAt: '',
  pods: { Running: 3, Pending: 1 },
}

function show(answers: Record<string, unknown>) {
  vi.stubGlobal('fetch', async (path: string) => new Response(JSON.stringify(answers[path] ?? {})))
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <MemoryRouter>
        <Component />
      </MemoryRouter>
    </QueryClientProvider>,
  )
}

const LIST = '/api/haori/v1/clusters'
const NODES = `${LIST}/https%3A%2F%2Fa/nodes`

it('shows how a cluster answers and what its nodes run', async () => {
  show({ [LIST]: { items: [cluster], problem: null }, [NODES]: { items: [node], problem: null } })
  const card = within(await screen.findByRole('region', { name: 'tokyo' }))
  expect(card.getByText('Answers')).toBeVisible()
  expect(card.getByRole('link', { name: '8' })).toHaveAttribute('href', '/applications?cluster=tokyo')
  const row = within(await card.findByRole('row', { name: /node-1/ }))
  for (const text of ['Not ready', 'DiskPressure', 'takes no new Pods', '4 Pods', '3 running, 1 pending']) {
    expect(row.getByText(text)).toBeVisible()
  }
})

it('does not ask a cluster that does not answer for its nodes', async () => {
  const state = { status: 'Failed', message: 'connection refused' }
  const down = { ...cluster, engine: { ...engine, up: false }, connectionState: state }
  show({ [LIST]: { items: [down], problem: null } })
  expect(await screen.findByText('connection refused')).toBeVisible()
  expect(screen.queryByText('Nodes')).toBeNull()
})

it('says why the engine tells nothing', async () => {
  const problem = { code: 'engine-away', text: 'the engine is away' }
  show({ [LIST]: { items: [{ ...cluster, engine: null }], problem }, [NODES]: { items: [], problem: null } })
  expect(await screen.findByText('the engine is away')).toBeVisible()
  expect(screen.getByText('The engine does not watch it')).toBeVisible()
  expect(await screen.findByText('It has no nodes, or they may not be listed')).toBeVisible()
})
