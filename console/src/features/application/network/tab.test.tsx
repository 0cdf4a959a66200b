import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { AppContext } from '../reference'
import { serve, shop, show } from '../testing'
import { sample } from '../tree/samples'
import { NetworkTab } from './tab'

afterEach(() => vi.unstubAllGlobals())

const own = '/api/haori/v1/applications/shop'
const node = (kind: string, name: string, over = {}) => ({
  uid: name,
  kind,
  namespace: 'shop',
  name,
  addresses: [],
  ports: [],
  type: '',
  ...over,
})

function open(network: unknown) {
  serve({
    [`GET ${own}/tree`]: { nodes: [sample('Service', 'web'), sample('Pod', 'p1')] },
    [`GET ${own}/network`]: network,
  })
  show(
    <AppContext value={{ namespace: 'argocd', name: 'shop' }}>
      <NetworkTab application={shop()} />
    </AppContext>,
  )
}

it('leads from an Ingress over a Service to Pods', async () => {
  open({
    nodes: [
      node('Ingress', 'in'),
      node('Service', 'web', { type: 'ClusterIP', ports: ['80/TCP'], addresses: ['10.0.0.1'] }),
      node('Service', 'empty', { type: 'LoadBalancer' }),
      node('Pod', 'p1'),
      node('Pod', 'job'),
    ],
    edges: [
      { from: 'in', to: 'web', label: 'shop.example/', name: 'web' },
      { from: 'in', to: '', label: 'shop.example/api', name: 'api' },
      { from: 'web', to: 'p1', label: '80/TCP', name: 'p1' },
    ],
  })
  const way = await screen.findByRole('region', { name: 'Service web' })
  expect(way).toHaveTextContent(/Ingress.*in.*shop.example\/.*Service.*web.*ClusterIP · 80\/TCP · 10.0.0.1.*Pod.*p1/)
  const empty = screen.getByRole('region', { name: 'Service empty' })
  expect(empty).toHaveTextContent('from outside, by its own address')
  expect(empty).toHaveTextContent('Its selector finds no Pod of this application.')
  expect(screen.getByRole('region', { name: 'Leads to nothing of this application' })).toHaveTextContent(
    'shop.example/api → api',
  )
  expect(screen.getByRole('region', { name: 'Pods that no Service leads to' })).toHaveTextContent('job')
  await userEvent.click(await within(way).findByRole('button', { name: /Pod p1/ }))
  expect(screen.getByTestId('place')).toHaveTextContent('node=%2FPod%2Fshop%2Fp1')
})

it('says that there is nothing', async () => {
  open({ nodes: [], edges: [] })
  expect(await screen.findByText('Nothing here is reached by the network.')).toBeInTheDocument()
})
