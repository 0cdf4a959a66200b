import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, fireEvent, render, renderHook, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { createMemoryRouter, RouterProvider } from 'react-router'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { hearStanding } from '@/shared/api/standing'
import type { Row } from '@/shared/api/types'
import { useKeyboard } from '@/shared/commands'
import { useCurrentExport } from '@/shared/exporting'
import { giveLayout } from '@/shared/testing/layout'
import { Component } from './page'
import { row } from './testing'

interface Answer {
  status?: number
  body: unknown
}
type Answers = (url: URL, request: { method: string; body: unknown }) => Answer

/** The streams that were opened, to be spoken through. */
const streams: FakeStream[] = []
class FakeStream extends EventTarget {
  static CLOSED = 2
  readyState = 1
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  url: string
  constructor(url: string) {
    super()
    this.url = url
    streams.push(this)
  }
  close() {}
  tell(name: string, data: unknown) {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }))
  }
}

beforeEach(() => {
  streams.length = 0
  vi.stubGlobal('EventSource', FakeStream)
  giveLayout(1200, 600)
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const listing = (items: Row[], parts: Record<string, unknown> = {}): Answer => ({
  body: {
    items,
    total: items.length,
    counts: { health: { Healthy: items.length }, project: { shop: 2, crm: 1 } },
    groups: [],
    cursor: 'e.1',
    ...parts,
  },
})
const refusal = (status: number, message: string): Answer => ({
  status,
  body: { message, haori: { hint: 'Ask for it.' } },
})
const allowed: Answer = { body: { value: 'yes' } }

function Keys() {
  useKeyboard()
  return <Component />
}

function open(answers: Answers, at = '/applications') {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const method = init.method ?? 'GET'
    const url = new URL(path, 'http://console.example')
    asked.push(`${method} ${url.pathname}${url.search}`)
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : undefined
    const answer = answers(url, { method, body })
    return new Response(JSON.stringify(answer.body), { status: answer.status ?? 200 })
  })
  const router = createMemoryRouter(
    [
      { path: '/applications', Component: Keys },
      { path: '/applications/:namespace/:name', element: <p>the application</p> },
      { path: '*', element: <p>elsewhere</p> },
    ],
    { initialEntries: [at] },
  )
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  )
  return { router, asked }
}

const three = () =>
  listing([
    row({ name: 'cart', health: 'Degraded', why: { code: 'a', text: 'The image is not there.' } }),
    row({ name: 'push' }),
    row({ name: 'web', pinned: true }),
  ])

it('shows rows with their marks, the reason where one is not well, and what is pinned', async () => {
  open(three)
  const cart = (await screen.findByRole('link', { name: 'cart' })).closest<HTMLElement>('[role=row]')
  expect(within(cart as HTMLElement).getByText('Degraded')).toBeVisible()
  expect(within(cart as HTMLElement).getByText('The image is not there.')).toBeVisible()
  const web = screen.getByRole('link', { name: 'web' }).closest<HTMLElement>('[role=row]')
  expect(within(web as HTMLElement).getByText('Pinned at an older revision')).toBeInTheDocument()
  expect(screen.getByRole('link', { name: 'web' })).toHaveAttribute('href', '/applications/argocd/web')
})

it('says that it loads, and what the server refuses', async () => {
  open(() => refusal(403, 'Not permitted.'))
  expect(screen.getByText('Loading…')).toBeVisible()
  expect(await screen.findByRole('alert')).toHaveTextContent('Not permitted.Ask for it.')
})

it('asks again after a failure', async () => {
  let answers: Answers = () => refusal(500, 'Broken.')
  open((...given) => answers(...given))
  await screen.findByText('Broken.')
  answers = three
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
  expect(await screen.findByRole('link', { name: 'web' })).toBeVisible()
})

it('offers to begin where there is nothing', async () => {
  const posted: unknown[] = []
  open((_, { method, body }) => {
    if (method === 'POST') posted.push(body)
    return method === 'POST' ? { body: {} } : _.pathname.includes('can-i') ? allowed : listing([])
  })
  await screen.findByText('Nothing is deployed yet')
  await userEvent.click(screen.getByRole('button', { name: 'Create the application' }))
  expect(screen.getAllByRole('alert').map((each) => each.textContent)).toContain(
    'Needs a URL such as https://git.example/team/shop.git',
  )
  await userEvent.type(screen.getByLabelText(/^Repository URL/), 'https://git.example/shop.git')
  expect(screen.getByLabelText('Name of the application')).toHaveValue('shop')
  await userEvent.click(screen.getByRole('button', { name: 'Create the application' }))
  expect(await screen.findByText('the application')).toBeVisible()
  expect(posted).toMatchObject([{ spec: { source: { repoURL: 'https://git.example/shop.git' } } }])
})

it('calls itself live only while there is somebody who would make changes known', async () => {
  open(three)
  await screen.findByText('Live')
  await waitFor(() => expect(streams).not.toHaveLength(0))
  const present = { state: 'present', since: '2026-11-26T09:41:00Z', problem: null }
  const tell = (parts: object) =>
    act(() => streams[0]?.tell('status', { engine: present, store: present, watch: present, ...parts }))
  tell({ engine: { ...present, state: 'away' } })
  expect(screen.getByText('May be old')).toBeVisible()
  expect(screen.queryByText('Live')).toBeNull()
  tell({ store: { ...present, state: 'away' } })
  expect(screen.getByText('Live')).toBeVisible()
  act(() => hearStanding(null))
})

it('tells nothing found from nothing there', async () => {
  const { router } = open(() => listing([]), '/applications?q=nobody&view=tiles')
  const none = (await screen.findByText('No application fits')).parentElement as HTMLElement
  await userEvent.click(within(none).getByRole('button', { name: 'Clear filters' }))
  expect(router.state.location.search).toBe('?view=tiles')
})

it('keeps filters in the address and asks the server by them', async () => {
  const { router, asked } = open(three)
  await screen.findByRole('link', { name: 'web' })
  await userEvent.click(screen.getByRole('checkbox', { name: /crm/ }))
  expect(router.state.location.search).toBe('?project=crm')
  await waitFor(() => expect(asked.some((each) => each.includes('project=crm'))).toBe(true))
  await userEvent.click(screen.getByRole('button', { name: /Project crm/ }))
  expect(router.state.location.search).toBe('')
})

it('shares one query among its looks', async () => {
  const { router, asked } = open(three)
  await screen.findByRole('link', { name: 'web' })
  const before = asked.length
  await userEvent.click(screen.getByRole('button', { name: 'Heat map' }))
  expect(router.state.location.search).toBe('?view=map')
  expect(await screen.findByRole('link', { name: /cart Degraded/ })).toBeVisible()
  expect(asked.length).toBe(before)
})

it('shows a changed row at once, without asking', async () => {
  const { asked } = open(three)
  await screen.findByRole('link', { name: 'web' })
  await waitFor(() => expect(streams[0]?.url).toContain('cursor=e.1'))
  const before = asked.length
  act(() =>
    streams[0]?.tell('rows', { changed: [row({ name: 'push', images: ['push:9'] })], removed: [], cursor: 'e.2' }),
  )
  expect(await screen.findByText(':9')).toBeVisible()
  expect(asked.length).toBe(before)
})

it('folds groups under their counts', async () => {
  const groups = [
    { value: 'crm', total: 1, health: { Degraded: 1 }, sync: {} },
    { value: '', total: 2, health: { Healthy: 2 }, sync: {} },
  ]
  open(() => listing((three().body as { items: Row[] }).items, { groups }), '/applications?group=label%3Ateam')
  await screen.findByRole('link', { name: 'cart' })
  await userEvent.click(screen.getByRole('button', { name: /crm/, expanded: true }))
  expect(screen.queryByRole('link', { name: 'cart' })).toBeNull()
  expect(screen.getByRole('link', { name: 'web' })).toBeVisible()
})

it('syncs what is selected and tells each outcome', async () => {
  const { asked } = open((url, { method }) => {
    if (method !== 'POST') return three()
    return url.pathname.includes('push') ? refusal(409, 'A sync is under way.') : { body: {} }
  })
  await screen.findByRole('link', { name: 'web' })
  await userEvent.click(screen.getByRole('checkbox', { name: 'Select push' }))
  await userEvent.click(screen.getByRole('checkbox', { name: 'Select web' }))
  await userEvent.click(screen.getByRole('button', { name: 'Sync…' }))
  const dialog = screen.getByRole('dialog', { hidden: true })
  expect(within(dialog).getByText('haori app sync push web')).toBeInTheDocument()
  await userEvent.click(within(dialog).getByRole('button', { name: 'Sync', hidden: true }))
  expect(await within(dialog).findByText('A sync is under way.')).toBeInTheDocument()
  expect(await within(dialog).findByText('2 of 2 answered, 1 failed')).toBeInTheDocument()
  expect(asked.filter((each) => each.startsWith('POST')).sort()).toEqual([
    'POST /api/v1/applications/push/sync',
    'POST /api/v1/applications/web/sync',
  ])
})

it('walks by keys: down, select, open', async () => {
  const { router } = open(three)
  await screen.findByRole('link', { name: 'web' })
  await userEvent.keyboard('jj')
  expect(screen.getByRole('link', { name: 'push' })).toHaveFocus()
  await userEvent.keyboard('x')
  expect(screen.getByText('1 selected')).toBeVisible()
  await userEvent.keyboard('k{Enter}')
  expect(router.state.location.pathname).toBe('/applications/argocd/cart')
})

it('goes to the search by /', async () => {
  const { router } = open(three)
  await screen.findByRole('link', { name: 'web' })
  await userEvent.keyboard('/')
  await userEvent.keyboard('ca')
  expect(screen.getByRole('searchbox', { name: 'Search' })).toHaveValue('ca')
  await waitFor(() => expect(router.state.location.search).toBe('?q=ca'))
})

it('names a view and goes back to it', async () => {
  const { router } = open(three, '/applications?health=Degraded')
  await userEvent.click(await screen.findByRole('button', { name: 'Views' }))
  await userEvent.type(screen.getByLabelText('Name of this view'), 'On fire')
  await userEvent.click(screen.getByRole('button', { name: 'Save' }))
  await act(() => router.navigate('/applications'))
  await userEvent.click(await screen.findByRole('link', { name: 'On fire' }))
  expect(router.state.location.search).toBe('?health=Degraded')
})

it('shares a view with everybody, and shows those of others', async () => {
  const stored: Record<string, string> = { Missing: 'health=Missing' }
  const answers: Answers = (url, { method, body }) => {
    const [, name] = url.pathname.split('/api/haori/v1/views/')
    if (name && method === 'PUT') stored[decodeURIComponent(name)] = (body as { search: string }).search
    if (!url.pathname.startsWith('/api/haori/v1/views')) return three()
    return { body: { items: Object.entries(stored).map(([each, search]) => ({ name: each, search, by: 'mei' })) } }
  }
  const { router } = open(answers, '/applications?health=Degraded')
  await userEvent.click(await screen.findByRole('button', { name: 'Views' }))
  await userEvent.type(screen.getByLabelText('Name of this view'), 'On call')
  await userEvent.click(screen.getByLabelText('Everybody here may use it'))
  await userEvent.click(screen.getByRole('button', { name: 'Save' }))
  const shared = within(await screen.findByRole('region', { name: 'For everybody' }))
  expect(await shared.findByRole('link', { name: 'On call' })).toHaveAttribute('href', '/applications?health=Degraded')
  await userEvent.click(shared.getByRole('link', { name: 'Missing' }))
  expect(router.state.location.search).toBe('?health=Missing')
})

it('goes from a cell of the heat map to its application, and selects it by Shift', async () => {
  const { router } = open(three, '/applications?view=map')
  const cell = await screen.findByRole('link', { name: /^cart Degraded/ })
  fireEvent.click(cell, { shiftKey: true })
  expect(cell).toHaveAttribute('data-selected')
  expect(screen.getByRole('link', { name: 'push Healthy' })).not.toHaveAttribute('data-selected')
  await userEvent.click(cell)
  expect(router.state.location.pathname).toBe('/applications/argocd/cart')
})

it('is exported whole, as it is filtered', async () => {
  const { asked } = open(three, '/applications?health=Degraded')
  await screen.findByRole('link', { name: 'web' })
  const { result } = renderHook(() => useCurrentExport())
  expect(result.current?.name).toBe('applications')
  expect((await result.current?.rows())?.map((each) => (each as Row).name)).toEqual(['cart', 'push', 'web'])
  expect(asked.at(-1)).toMatch(/health=Degraded.*perPage=/)
})
