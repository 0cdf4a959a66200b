import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { createMemoryRouter, RouterProvider } from 'react-router'
import { afterEach, expect, it, vi } from 'vitest'
import { useCommands } from '@/shared/commands'
import { Palette } from './palette'

afterEach(() => vi.unstubAllGlobals())

const found = {
  applications: [
    {
      name: 'web',
      namespace: 'argocd',
      project: 'shop',
      cluster: 'tokyo',
      destinationNamespace: 'web',
      sync: 'Synced',
      health: 'Degraded',
    },
  ],
  resources: [
    {
      cluster: 'tokyo',
      group: '',
      kind: 'Pod',
      namespace: 'shop',
      name: 'web-1',
      uid: '1',
      health: '',
      application: 'web',
      applicationNamespace: 'argocd',
    },
  ],
  total: { applications: 1, resources: 30 },
  counts: { kind: { Pod: 30 } },
  problem: null,
}

function Page({ run }: { run: () => void }) {
  useCommands([{ id: 'weave', title: 'Weave', group: 'Do', run }])
  return <Palette onClose={() => {}} />
}

function open(run = () => {}) {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url)
    const clusters = {
      items: [
        { name: 'kyoto', server: 'https://tokyo' },
        { name: 'osaka', server: 'https://osaka' },
      ],
    }
    return new Response(JSON.stringify(url.startsWith('/api/v1/clusters') ? clusters : found))
  })
  const router = createMemoryRouter([{ path: '*', element: <Page run={run} /> }])
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  )
  return { router, asked }
}

const options = () => screen.getAllByRole('option', { hidden: true }).map((each) => each.textContent)

it('asks nobody before there are two letters', async () => {
  const { asked } = open()
  await userEvent.type(screen.getByRole('combobox', { hidden: true }), 'w')
  expect(options()).toEqual(['DoWeave'])
  expect(asked).toEqual([])
})

it('finds actions, applications and objects, and says how many more there are', async () => {
  open()
  await userEvent.type(screen.getByRole('combobox', { hidden: true }), 'we')
  await screen.findByText('web-1')
  expect(options()).toEqual([
    'DoWeave',
    'Applicationwebshop · tokyo / webSyncedDegraded',
    'Podweb-1shop · web',
    'SearchAll 31 that “we” finds',
  ])
})

it('runs what is chosen by the arrows', async () => {
  const run = vi.fn()
  const { router } = open(run)
  await userEvent.type(screen.getByRole('combobox', { hidden: true }), 'we')
  await screen.findByText('web-1')
  await userEvent.keyboard('{ArrowDown}{Enter}')
  expect(router.state.location.pathname).toBe('/applications/argocd/web')
  expect(run).not.toHaveBeenCalled()
})

it('leads to what runs on a cluster', async () => {
  const { router } = open()
  await userEvent.type(screen.getByRole('combobox'), 'kyo')
  await userEvent.click(await screen.findByRole('option', { name: /kyoto/ }))
  expect(router.state.location.search).toBe('?cluster=kyoto')
  expect(screen.queryByRole('option', { name: /osaka/ })).not.toBeInTheDocument()
})

it('does to an application what is said before its name', async () => {
  const { router, asked } = open()
  await userEvent.type(screen.getByRole('combobox', { hidden: true }), 'sync we')
  const action = await screen.findByText('Do: sync')
  expect(asked.some((url) => url.includes('q=we&'))).toBe(true)
  await userEvent.click(action)
  expect(router.state.location.pathname).toBe('/applications/argocd/web/sync')
})
