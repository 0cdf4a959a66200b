import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { AppContext } from '../reference'
import { serve, shop, show } from '../testing'
import { sample } from '../tree/samples'
import { PodsTab } from './tab'

afterEach(() => vi.unstubAllGlobals())

const own = '/api/haori/v1/applications/shop'
const pod = (name: string, node: string, status: string) => ({
  uid: name,
  namespace: 'shop',
  name,
  node,
  phase: 'Running',
  health: { status, text: 'it crashes' },
  ready: 1,
  total: 2,
  restarts: 3,
  createdAt: '',
  terminating: false,
  containers: [],
})

function open(pods: unknown) {
  const nodes = [sample('Deployment', 'web'), sample('Pod', 'a', { parents: ['web'] }), sample('Pod', 'b')]
  serve({ [`GET ${own}/tree`]: { nodes }, [`GET ${own}/pods`]: pods })
  show(
    <AppContext value={{ namespace: 'argocd', name: 'shop' }}>
      <PodsTab application={shop()} />
    </AppContext>,
  )
}

it('shows Pods by node, with what is wrong, and opens one', async () => {
  open({ items: [pod('a', 'node-1', 'Degraded'), pod('b', '', 'Healthy')] })
  const group = await screen.findByRole('region', { name: 'node-1' })
  expect(within(group).getByText('1 Pod, 1 not well')).toBeInTheDocument()
  expect(within(group).getByText('it crashes')).toBeInTheDocument()
  expect(within(group).getByText('1 of 2 ready')).toBeInTheDocument()
  expect(within(screen.getByRole('region', { name: 'Without a node yet' })).queryByText('it crashes')).toBeNull()
  await userEvent.click(within(group).getByRole('button'))
  expect(screen.getByTestId('place')).toHaveTextContent('node=%2FPod%2Fshop%2Fa&panel=summary')
})

it('shows them by what they belong to', async () => {
  open({ items: [pod('a', 'node-1', 'Healthy'), pod('b', 'node-1', 'Healthy')] })
  await userEvent.selectOptions(await screen.findByRole('combobox'), 'owner')
  expect(await screen.findByRole('region', { name: 'Deployment web' })).toBeInTheDocument()
  expect(screen.getByRole('region', { name: 'Without an owner' })).toBeInTheDocument()
})

it('says that nothing runs', async () => {
  open({ items: [] })
  expect(await screen.findByText('No Pods run here.')).toBeInTheDocument()
})

it('says what the server refused', async () => {
  open(new Response(JSON.stringify({ message: 'not yours' }), { status: 403 }))
  expect(await screen.findByRole('alert')).toHaveTextContent('not yours')
})
