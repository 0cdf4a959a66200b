import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { AppContext } from '../reference'
import { serve, shop, show } from '../testing'
import { sample } from '../tree/samples'
import { TimelineTab } from './tab'

afterEach(() => vi.unstubAllGlobals())

const own = '/api/haori/v1/applications/shop'
const sync = {
  kind: 'operation',
  time: '2026-01-02T10:00:00Z',
  until: '2026-01-02T10:00:42Z',
  who: 'rin',
  revision: '1aa056ca9d4d2dc48c08d45ad91b497d05eb2755',
  id: null,
  phase: 'Failed',
  message: 'one hook failed',
}
const event = {
  metadata: { uid: 'e', name: 'e' },
  involvedObject: { kind: 'Pod', name: 'web-1' },
  reason: 'BackOff',
  message: 'restarting it',
  type: 'Warning',
  lastTimestamp: '2026-01-02T10:00:30Z',
}

function open(search = '') {
  const asked = serve({
    [`GET ${own}/tree`]: { nodes: [sample('Pod', 'web-1')] },
    [`GET ${own}/timeline`]: { items: [sync] },
    'GET /api/v1/applications/shop/events': { items: [event] },
  })
  show(
    <AppContext value={{ namespace: 'argocd', name: 'shop' }}>
      <TimelineTab application={shop({ health: { status: 'Degraded', lastTransitionTime: '2026-01-02T10:00:20Z' } })} />
    </AppContext>,
    `/applications/argocd/shop/timeline${search}`,
  )
  return asked
}

it('tells syncs, health and events together, newest first', async () => {
  open()
  await screen.findByText('restarting it')
  const rows = screen.getAllByRole('listitem').map((each) => each.textContent)
  expect(rows[0]).toContain('BackOff · Pod web-1')
  expect(rows[1]).toContain('Health becameDegraded')
  expect(rows[2]).toMatch(/SyncFailed1aa056cby rin42 sone hook failed/)
})

it('leaves out what is not ticked, and keeps that in the address', async () => {
  open()
  await screen.findByText('restarting it')
  await userEvent.click(screen.getByRole('checkbox', { name: 'Events of the cluster' }))
  expect(screen.queryByText('restarting it')).toBeNull()
  expect(screen.getByTestId('place')).toHaveTextContent('hide=event')
  await userEvent.click(screen.getByRole('checkbox', { name: 'Events of the cluster' }))
  expect(await screen.findByText('restarting it')).toBeInTheDocument()
  expect(screen.getByTestId('place')).not.toHaveTextContent('hide')
})

it('tells the events of the chosen object too', async () => {
  const asked = open('?node=%2FPod%2Fshop%2Fweb-1')
  expect(await screen.findByText('With the events of Pod web-1')).toBeInTheDocument()
  await vi.waitFor(() => expect(asked.some((each) => each.url.includes('resourceName=web-1'))).toBe(true))
})
