import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { AppContext } from '../reference'
import { serve, shop, show } from '../testing'
import { sample } from '../tree/samples'
import { NodePanel } from './panel'

afterEach(() => vi.unstubAllGlobals())

const own = '/api/haori/v1/applications/shop'
const argo = '/api/v1/applications/shop'
const why = 'the image shop:9 cannot be pulled'
const web = sample('Deployment', 'web', { group: 'apps', sync: 'OutOfSync', wave: 2 })
const pod = sample('Pod', 'web-1', { parents: ['web'], health: { status: 'Degraded', text: why } })
const lost = sample('ConfigMap', 'lost', { uid: '', health: null, sync: 'OutOfSync' })
const container = { name: 'app', image: 'shop:9' }
const live = {
  kind: 'Pod',
  metadata: { name: 'web-1', labels: { app: 'web' }, managedFields: [{ manager: 'kubelet' }] },
  spec: { containers: [container] },
  status: { containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ImagePullBackOff' } } }] },
}
const event = {
  metadata: { uid: 'e', name: 'e' },
  reason: 'Failed',
  message: 'Failed to pull <b>shop:9</b>',
  type: 'Warning',
  count: 4,
  lastTimestamp: '2026-01-01T00:00:00Z',
}
const answers = {
  [`GET ${own}/tree`]: { nodes: [web, pod, lost] },
  [`GET ${argo}`]: shop(),
  [`GET ${argo}/resource`]: { manifest: JSON.stringify(live) },
  [`GET ${argo}/events`]: { items: [event] },
  [`GET ${argo}/resource/actions`]: {
    actions: [
      { name: 'restart', displayName: 'Restart' },
      { name: 'resume', displayName: 'Resume', disabled: true },
      { name: 'scale', displayName: 'Scale', params: [{ name: 'replicas', type: 'number', default: '2' }] },
    ],
  },
  [`POST ${argo}/resource/actions/v2`]: {},
  [`DELETE ${argo}/resource`]: {},
  [`GET ${argo}/managed-resources`]: {
    items: [
      {
        targetState: '{"data":{"level":"debug"}}',
        normalizedLiveState: '{"data":{"level":"info"}}',
        predictedLiveState: '{"data":{"level":"debug"}}',
      },
    ],
  },
}

function open(node: string, panel: string, denied: readonly string[] = [], more = '') {
  const asked = serve(answers, denied)
  show(
    <AppContext value={{ namespace: 'argocd', name: 'shop' }}>
      <NodePanel />
    </AppContext>,
    `/applications/argocd/shop?node=${encodeURIComponent(node)}&panel=${panel}${more}`,
  )
  return asked
}

const POD = '/Pod/shop/web-1'
const WEB = 'apps/Deployment/shop/web'

it('tells why, what is in it and what it belongs to', async () => {
  open(POD, 'summary')
  expect(await screen.findByText(why)).toBeInTheDocument()
  expect(await screen.findByText('ImagePullBackOff')).toBeInTheDocument()
  expect(screen.getByText('app=web')).toBeInTheDocument()
  await userEvent.click(screen.getByRole('button', { name: 'Deployment web' }))
  expect(screen.getByTestId('place').textContent).toContain(encodeURIComponent(WEB))
})

it('shows events as text', async () => {
  open(POD, 'events')
  expect(await screen.findByText('Failed to pull <b>shop:9</b>')).toBeInTheDocument()
  expect(screen.getByText('4 times')).toBeInTheDocument()
})

it('hides who wrote which field until it is asked for', async () => {
  open(POD, 'manifest')
  const manifest = await screen.findByRole('region', { name: 'Manifest' })
  expect(manifest).toHaveTextContent('image: shop:9')
  expect(manifest).not.toHaveTextContent('kubelet')
  await userEvent.click(screen.getByRole('checkbox', { name: 'Hide managedFields' }))
  expect(screen.getByRole('region', { name: 'Manifest' })).toHaveTextContent('manager: kubelet')
})

it('shows what a sync changes of it, line by line', async () => {
  open(WEB, 'manifest', [], '&show=diff')
  const change = await screen.findByRole('region', { name: 'What a sync changes' })
  expect(change).toHaveTextContent('data: − level: info + level: debug')
})

it('offers only what Git wants of an object that is not there', async () => {
  open('/ConfigMap/shop/lost', 'logs')
  expect(await screen.findByText(/A sync creates it/)).toBeInTheDocument()
  expect(screen.getAllByRole('tab').map((each) => each.textContent)).toEqual(['Summary', 'Manifest'])
})

it('does what is asked with what is typed', async () => {
  const asked = open(WEB, 'actions')
  const scale = await screen.findByRole('form', { name: 'Scale' })
  const replicas = within(scale).getByRole('spinbutton', { name: 'replicas' })
  await userEvent.clear(replicas)
  await userEvent.type(replicas, '5')
  expect(within(scale).getByText('kubectl -n shop scale deployment/web --replicas=5')).toBeInTheDocument()
  await userEvent.click(within(scale).getByRole('button', { name: 'Do it' }))
  expect(asked.find((each) => each.method === 'POST')?.body).toMatchObject({
    action: 'scale',
    resourceName: 'web',
    resourceActionParameters: [{ name: 'replicas', value: '5' }],
  })
})

it('says why an action cannot be done', async () => {
  const asked = open(WEB, 'actions', ['action%2Fapps%2FDeployment%2Frestart'])
  const restart = await screen.findByRole('form', { name: 'Restart' })
  await within(restart).findByText(/You lack the permission: applications, action\/apps\/Deployment\/restart/)
  await userEvent.click(within(restart).getByRole('button', { name: 'Do it' }))
  const resume = screen.getByRole('form', { name: 'Resume' })
  expect(within(resume).getByText('Not possible in its present state')).toBeInTheDocument()
  await userEvent.click(within(resume).getByRole('button', { name: 'Do it' }))
  expect(asked.filter((each) => each.method === 'POST')).toEqual([])
})

it('deletes only when its name was typed', async () => {
  const asked = open(WEB, 'actions')
  await userEvent.click(await screen.findByRole('button', { name: 'Delete…' }))
  const dialog = screen.getByRole('dialog', { name: 'Delete Deployment shop/web' })
  const go = within(dialog).getByRole('button', { name: 'Delete' })
  await userEvent.click(go)
  expect(asked.filter((each) => each.method === 'DELETE')).toEqual([])
  await userEvent.click(within(dialog).getByRole('radio', { name: 'stays' }))
  await userEvent.type(within(dialog).getByRole('textbox'), 'web')
  await userEvent.click(go)
  const url = asked.find((each) => each.method === 'DELETE')?.url ?? ''
  expect(Object.fromEntries(new URLSearchParams(url.split('?')[1]))).toMatchObject({
    orphan: 'true',
    kind: 'Deployment',
    resourceName: 'web',
  })
  await vi.waitFor(() => expect(screen.getByTestId('place')).not.toHaveTextContent('panel'))
})

it('says that an object is gone', async () => {
  open('/Pod/shop/other', 'summary')
  expect(await screen.findByText('This object is not there any more.')).toBeInTheDocument()
})
