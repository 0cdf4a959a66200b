import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { MemoryRouter } from 'react-router'
import { afterEach, expect, it, vi } from 'vitest'
import { Component } from './page'

afterEach(() => vi.unstubAllGlobals())

const entry = {
  id: 7,
  at: '2026-11-26T12:00:00+00:00',
  actor: 'admin',
  issuer: 'local',
  token: '',
  action: 'applications/sync',
  object: 'Application argocd/shop',
  project: 'default',
  outcome: 'refused',
  rule: 'p, admin, applications, *, *, deny',
  request: 'r1',
  text: 'admin was refused to sync shop',
  details: { prune: true },
}

function show(at: string, answer: (url: URL) => { status?: number; body: unknown }) {
  const asked: URL[] = []
  vi.stubGlobal('fetch', async (path: string) => {
    const url = new URL(path, 'http://haori.test')
    asked.push(url)
    const { status = 200, body } = answer(url)
    return new Response(JSON.stringify(body), { status })
  })
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <MemoryRouter initialEntries={[at]}>
        <Component />
      </MemoryRouter>
    </QueryClientProvider>,
  )
  return asked
}

const page = (items: unknown[], next: number | null = null) => ({ body: { items, next } })

it('lists who did what and how it ended', async () => {
  show('/audit', () => page([entry]))
  const row = await screen.findByRole('row', { name: /applications\/sync/ })
  expect(row).toHaveTextContent('admin')
  expect(row).toHaveTextContent('Refused')
})

it('asks by the filters of the address', async () => {
  const asked = show('/audit?actor=admin&outcome=refused', () => page([]))
  expect(await screen.findByText('Nothing fits these filters')).toBeVisible()
  expect(asked[0]?.searchParams.get('actor')).toBe('admin')
  expect(screen.getByLabelText('Who')).toHaveValue('admin')
})

it('asks anew once the reader stops typing', async () => {
  const asked = show('/audit', () => page([entry]))
  await userEvent.type(await screen.findByLabelText('Object contains'), 'shop')
  await waitFor(() => expect(asked.at(-1)?.searchParams.get('object')).toBe('shop'))
  expect(asked.map((each) => each.searchParams.get('object'))).toEqual([null, 'shop'])
})

it('goes on to earlier entries from the last one shown', async () => {
  const earlier = { ...entry, id: 3, action: 'projects/create' }
  const asked = show('/audit', (url) => (url.searchParams.has('before') ? page([earlier]) : page([entry], 7)))
  await userEvent.click(await screen.findByRole('button', { name: 'Earlier entries' }))
  expect(await screen.findByRole('button', { name: 'projects/create' })).toBeVisible()
  expect(asked.at(-1)?.searchParams.get('before')).toBe('7')
  expect(screen.queryByRole('button', { name: 'Earlier entries' })).toBeNull()
})

it('shows an entry whole', async () => {
  show('/audit', () => page([entry]))
  await userEvent.click(await screen.findByRole('button', { name: 'applications/sync' }))
  const dialog = await screen.findByRole('dialog')
  expect(dialog).toHaveTextContent('admin was refused to sync shop')
  expect(dialog).toHaveTextContent('p, admin, applications, *, *, deny')
  expect(dialog).toHaveTextContent('"prune": true')
})

it('exports what the filters leave', async () => {
  show('/audit?actor=admin', () => page([entry]))
  const link = await screen.findByRole('link', { name: 'Export as CSV' })
  expect(link).toHaveAttribute('href', '/api/haori/v1/audit/export?actor=admin&format=csv')
})

it('says who may not read it', async () => {
  show('/audit', () => ({ status: 403, body: { message: 'accounts, update lacks' } }))
  expect(await screen.findByText('accounts, update lacks')).toBeVisible()
})
