import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen } from '@testing-library/react'
import { createMemoryRouter, RouterProvider } from 'react-router'
import { expect, it, vi } from 'vitest'
import { begin } from './begin'
import { Component } from './page'
import { serve, shop } from './testing'

const TREE = '/api/haori/v1/applications/shop/tree'
const node = {
  uid: 'u1',
  group: '',
  version: 'v1',
  kind: 'Service',
  namespace: 'shop',
  name: 'web',
  parents: [],
  health: null,
  sync: 'Synced',
  createdAt: '',
  terminating: false,
}
const place = (tab?: string) => ({ parameters: { namespace: 'argocd', name: 'shop', tab } })

class QuietStream {
  static readonly CLOSED = 2
  addEventListener() {}
  close() {}
}

function open(queries: QueryClient) {
  vi.stubGlobal('EventSource', QuietStream)
  const routes = [{ path: '/applications/:namespace/:name/:tab?', Component }]
  const router = createMemoryRouter(routes, { initialEntries: ['/applications/argocd/shop'] })
  render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  )
}

it('asks for the tree before anything is shown, and once', async () => {
  const asked = serve({ 'GET /api/v1/applications/shop': shop(), [`GET ${TREE}`]: { nodes: [node] } })
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 5_000 } } })
  await begin(queries, place())
  expect(asked.map((each) => each.url.split('?')[0])).toEqual([TREE, '/api/v1/applications/shop'])
  open(queries)
  expect(await screen.findByRole('treeitem', { name: /web/ })).toBeInTheDocument()
  expect(asked.filter((each) => each.url.startsWith(TREE))).toHaveLength(1)
})

it('leaves a view that is loaded nothing to wait for', async () => {
  serve({ 'GET /api/v1/applications/shop': shop(), [`GET ${TREE}`]: { nodes: [node] } })
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 5_000 } } })
  await begin(queries, place())
  await vi.waitFor(() => expect(queries.isFetching()).toBe(0))
  open(queries)
  expect(screen.getByRole('treeitem', { name: /web/ })).toBeInTheDocument()
})

it('asks for no tree where the view shows none', async () => {
  const asked = serve({ 'GET /api/v1/applications/shop': shop() })
  await begin(new QueryClient(), place('history'))
  expect(asked.map((each) => each.url.split('?')[0])).toEqual(['/api/v1/applications/shop'])
})

it('asks for the application without what it says of each object', async () => {
  const asked = serve({ 'GET /api/v1/applications/shop': shop() })
  await begin(new QueryClient(), place('history'))
  const { searchParams } = new URL(asked[0]?.url ?? '', 'http://haori.localhost')
  expect(searchParams.get('fields')).toBe('-status.resources,status.operationState.syncResult.resources')
})

it('begins with the first view where the address names none that there is', async () => {
  const asked = serve({ 'GET /api/v1/applications/shop': shop(), [`GET ${TREE}`]: { nodes: [node] } })
  await begin(new QueryClient(), place('nonsense'))
  expect(asked.some((each) => each.url.startsWith(TREE))).toBe(true)
})
