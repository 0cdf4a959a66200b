import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { fireEvent, render, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { createMemoryRouter, RouterProvider, useLocation } from 'react-router'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Application } from '../model'
import type { Node } from '../nodes'
import { AppContext } from '../reference'
import { sample, samplePlatform } from './samples'
import { TreeTab } from './tab'

const app = { namespace: 'argocd', name: 'shop' }
const child = sample('Application', 'child', { group: 'argoproj.io', namespace: 'argocd' })
const trees: Record<string, Node[]> = {}

beforeEach(() => {
  vi.stubGlobal('fetch', (url: string) => {
    const name = /applications\/([^/]+)\/tree/.exec(url)?.[1] ?? ''
    const nodes = trees[name]
    return Promise.resolve(
      nodes
        ? new Response(JSON.stringify({ nodes }))
        : new Response(JSON.stringify({ message: `no ${name} for you` }), { status: 403 }),
    )
  })
})
afterEach(() => vi.unstubAllGlobals())

function Place() {
  return <output>{decodeURIComponent(useLocation().search)}</output>
}

function show(nodes: Node[] | null, search = '') {
  trees['shop'] = nodes as Node[]
  const element = (
    <AppContext value={app}>
      <TreeTab application={{ status: { health: { status: 'Progressing' } } } as Application} />
      <Place />
    </AppContext>
  )
  const router = createMemoryRouter([{ path: '/', element }], { initialEntries: [`/${search}`] })
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  )
}

const few = [
  sample('Deployment', 'web', {
    sync: 'OutOfSync',
    health: { status: 'Degraded', text: 'the image cannot be pulled' },
  }),
  sample('Pod', 'web-1', { parents: ['web'] }),
  child,
]

it('names each object with its marks and why', async () => {
  show(few)
  expect(
    await screen.findByRole('treeitem', { name: /Deployment web.*the image cannot be pulled.*Out of sync.*Degraded/ }),
  ).toHaveAttribute('aria-level', '2')
  expect(screen.getByRole('treeitem', { name: /Pod web-1.*Healthy/ })).toHaveAttribute('aria-level', '3')
})

it('says of the application what its page says', async () => {
  show(few)
  const root = await screen.findByRole('treeitem', { name: /^shop/ })
  expect(root).toHaveAccessibleName(/Progressing/)
})

it('is walked by arrows and opened by Enter', async () => {
  show(few)
  const tree = await screen.findByRole('tree')
  tree.focus()
  await userEvent.keyboard('{ArrowDown}{ArrowDown}')
  const at = document.getElementById(tree.getAttribute('aria-activedescendant') ?? '')
  expect(at).toHaveAccessibleName(/Deployment web/)
  await userEvent.keyboard('{ArrowLeft}')
  expect(screen.queryByRole('treeitem', { name: /Pod web-1/ })).toBeNull()
  expect(within(at as HTMLElement).getByRole('button', { name: 'Open web' })).toHaveTextContent('1')
  await userEvent.keyboard('{Enter}')
  expect(screen.getByText('?node=/Deployment/shop/web&panel=summary')).toBeInTheDocument()
})

it('shows an application in place, and says where one is', async () => {
  trees['child'] = [sample('ConfigMap', 'settings')]
  show(few)
  await userEvent.click(await screen.findByRole('button', { name: 'Open child in place' }))
  expect(await screen.findByRole('treeitem', { name: /ConfigMap settings.*Healthy/ })).toHaveAttribute(
    'aria-level',
    '3',
  )
  await userEvent.click(screen.getByRole('treeitem', { name: /ConfigMap settings/ }))
  expect(screen.getByRole('link', { name: 'Page of child' })).toHaveAttribute('href', '/applications/argocd/child')
})

it('says which application could not be opened', async () => {
  delete trees['child']
  show(few)
  await userEvent.click(await screen.findByRole('button', { name: 'Open child in place' }))
  expect(await screen.findByText('child could not be opened: no child for you')).toBeInTheDocument()
})

it('filters, and keeps the way to what is asked for', async () => {
  show(few, '?kind=Pod')
  expect(await screen.findByRole('treeitem', { name: /Pod web-1/ })).toBeInTheDocument()
  expect(screen.getByRole('treeitem', { name: /Deployment web/ })).toBeInTheDocument()
  expect(screen.queryByRole('treeitem', { name: /child/ })).toBeNull()
  expect(screen.getByText('1 of 3 objects')).toBeInTheDocument()
})

it('shows what a filter leaves, however far down the reader was', async () => {
  show(samplePlatform(60))
  const tree = await screen.findByRole('tree')
  await userEvent.click(screen.getByRole('button', { name: 'Open all' }))
  fireEvent.wheel(tree, { deltaY: 5000 })
  await waitFor(() => expect(tree.querySelector('[aria-level="1"]')).toBeNull())
  await userEvent.type(screen.getByRole('searchbox'), 'web-00012-rs-2')
  expect(await screen.findByText('web-00012-rs-2')).toBeInTheDocument()
})

it('says that a large tree cannot be shown whole', async () => {
  show(samplePlatform(60))
  expect(await screen.findByRole('button', { name: 'Show everything' })).toBeInTheDocument()
  await userEvent.click(screen.getByRole('button', { name: 'Open all' }))
  await userEvent.click(screen.getByRole('button', { name: /^From the top, as small as can be read/ }))
})

it('opens the way to a node that a link names', async () => {
  show(samplePlatform(20), '?node=/Pod/shop/web-00012-rs-2')
  // Looked for by its text: working out the role and name of every element anew at each try takes too long here.
  const name = await screen.findByText('web-00012-rs-2')
  expect(name.closest('[role=treeitem]')).toHaveAttribute('aria-selected', 'true')
})

it.each([
  ['nothing there', [], 'This application has no objects yet.'],
  ['nothing that is asked for', few, 'No object is like that.'],
])('says so where there is %s', async (_, nodes, text) => {
  show(nodes, '?q=nowhere')
  expect(await screen.findByText(text)).toBeInTheDocument()
})

it('shows why it cannot be shown, and offers to try again', async () => {
  show(null)
  expect(await screen.findByRole('alert')).toHaveTextContent('no shop for you')
  expect(screen.getByRole('button', { name: 'Try again' })).toBeInTheDocument()
})
