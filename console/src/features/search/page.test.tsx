import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { createMemoryRouter, RouterProvider } from 'react-router'
import { afterEach, expect, it, vi } from 'vitest'
import { Component } from './page'

afterEach(() => vi.unstubAllGlobals())

const pod = {
  cluster: 'tokyo',
  group: '',
  version: 'v1',
  kind: 'Pod',
  namespace: 'shop',
  name: 'web-1',
  uid: '1',
  health: 'Degraded',
  sync: '',
  images: ['web:1'],
  createdAt: '',
  application: 'web',
  applicationNamespace: 'argocd',
  project: 'shop',
}
const nothing = {
  applications: [],
  resources: [],
  total: { applications: 0, resources: 0 },
  counts: { kind: {} },
  problem: null,
}

function open(answer: unknown, at: string, status = 200) {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url)
    return new Response(JSON.stringify(answer), { status })
  })
  const router = createMemoryRouter([{ path: '*', Component }], { initialEntries: [at] })
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  )
  return { router, asked }
}

it('says how to begin, and asks nothing yet', () => {
  const { asked } = open(nothing, '/search')
  expect(screen.getByText('What are you looking for?')).toBeVisible()
  expect(asked).toEqual([])
})

it('shows objects with their application and leads to them', async () => {
  open({ ...nothing, resources: [pod], total: { applications: 0, resources: 300 } }, '/search?q=web')
  const link = await screen.findByRole('link', { name: 'web-1' })
  expect(link).toHaveAttribute('href', '/applications/argocd/web?node=%2FPod%2Fshop%2Fweb-1&panel=summary')
  expect(screen.getByText('1 of 300')).toBeVisible()
})

it('asks for more, by the address', async () => {
  const found = { ...nothing, resources: [pod], total: { applications: 0, resources: 300 } }
  const { router } = open(found, '/search?q=web')
  await userEvent.click(await screen.findByRole('button', { name: 'Show more' }))
  expect(router.state.location.search).toBe('?q=web&limit=200')
})

it('keeps what is typed in the address', async () => {
  const { router, asked } = open(nothing, '/search')
  await userEvent.type(screen.getByRole('searchbox', { name: 'Words' }), 'cart')
  await waitFor(() => expect(router.state.location.search).toBe('?q=cart'))
  expect(await screen.findByText('Nothing found')).toBeVisible()
  expect(asked.at(-1)).toContain('q=cart')
})

it('says why there are no objects while the engine is away', async () => {
  open({ ...nothing, problem: { code: 'engine-away', text: 'The engine is away.' } }, '/search?q=web')
  expect(await screen.findByText('The engine is away.')).toBeVisible()
  expect(screen.queryByText('Nothing found')).toBeNull()
})

it('says what the server refuses', async () => {
  open({ message: 'A selector that nobody can read.' }, '/search?label=%3D', 400)
  expect(await screen.findByRole('alert')).toHaveTextContent('A selector that nobody can read.')
})
