import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { createMemoryRouter, RouterProvider } from 'react-router'
import { afterEach, expect, it, vi } from 'vitest'
import type { Board, Cell } from './api'
import { Component } from './page'

afterEach(() => vi.unstubAllGlobals())

const cell = (application: string, parts: Partial<Cell> = {}): Cell => ({
  application,
  namespace: 'argocd',
  project: 'shop',
  cluster: 'in-cluster',
  destinationNamespace: 'shop',
  repo: '',
  path: '',
  revision: 'a'.repeat(40),
  targetRevision: 'main',
  sync: 'Synced',
  health: 'Healthy',
  phase: '',
  why: null,
  pinned: false,
  images: ['web:1'],
  more: [],
  ...parts,
})
const board: Board = {
  environments: ['dev', 'prod'],
  apps: [
    {
      name: 'web',
      partOf: 'shop',
      drift: true,
      cells: { dev: cell('web-dev', { images: ['web:2'] }), prod: cell('web-prod', { pinned: true }) },
    },
    { name: 'cart', partOf: '', drift: false, cells: { prod: cell('cart-prod') } },
  ],
  total: 2,
}

function open(answer: unknown, at = '/board', status = 200) {
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

it('shows what runs where, what differs from the environment before, and where an app is not', async () => {
  open(board)
  const web = (await screen.findByText('web', { selector: 'th span' })).closest('tr') as HTMLElement
  const [dev, prod] = within(web).getAllByRole('cell')
  expect(within(dev as HTMLElement).queryByText(/differs/)).toBeNull()
  expect(within(prod as HTMLElement).getByText('differs from dev')).toBeInTheDocument()
  expect(within(prod as HTMLElement).getByText('Pinned at an older revision')).toBeInTheDocument()
  expect(within(prod as HTMLElement).getByRole('link', { name: 'web-prod' })).toHaveAttribute(
    'href',
    '/applications/argocd/web-prod',
  )
  expect(screen.getByText('Not in dev')).toBeInTheDocument()
})

it('narrows to what drifts, by the address', async () => {
  const { router } = open(board)
  await userEvent.click(await screen.findByRole('checkbox', { name: 'Only what drifts' }))
  expect(screen.queryByText('cart')).toBeNull()
  expect(router.state.location.search).toBe('?drift=1')
})

it('asks for what is searched', async () => {
  const { asked } = open(board)
  await userEvent.type(await screen.findByRole('searchbox', { name: 'Search' }), 'web')
  await waitFor(() => expect(asked.at(-1)).toContain('search=web'))
})

it.each([
  ['/board', 'No application in any environment'],
  ['/board?q=nobody', 'No app fits'],
])('%s says: %s', async (at, text) => {
  open({ environments: [], apps: [], total: 0 }, at)
  expect(await screen.findByText(text)).toBeVisible()
})

it('says what the server refuses', async () => {
  open({ message: 'Not permitted.' }, '/board', 403)
  expect(await screen.findByRole('alert')).toHaveTextContent('Not permitted.')
})

it('has a last column, named so, for what tells no environment, and compares nothing with it', async () => {
  const loose = {
    name: 'queue',
    partOf: '',
    drift: false,
    cells: { dev: cell('q-dev'), '': cell('queue', { images: ['web:9'] }) },
  }
  open({ ...board, environments: ['dev', 'prod', ''], apps: [...board.apps, loose] })
  expect(await screen.findByRole('columnheader', { name: 'No environment' })).toHaveAttribute(
    'title',
    expect.stringContaining('haori.dev/environment'),
  )
  const row = within(screen.getByRole('row', { name: /queue/ }))
  expect(row.queryByText(/differs from/)).toBeNull()
})
