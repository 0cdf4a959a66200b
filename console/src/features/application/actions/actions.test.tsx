import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { serve, shop, show } from '../testing'
import { Actions } from './actions'
import { automationPatch, deletionOf } from './api'
import { automationCommand } from './automation'
import { deleteCommand } from './delete'
import { PinBanner } from './pin'

afterEach(() => vi.unstubAllGlobals())
const declared = { 'argocd.argoproj.io/tracking-id': 'wear:argoproj.io/Application:argocd/shop' }
const history = [{ id: 0, revision: 'a' }]
const APP = '/api/v1/applications/shop'

describe('the actions', () => {
  it('refresh without changing anything', async () => {
    const asked = serve({ [`GET ${APP}`]: {} })
    show(<Actions application={shop()} />)
    await userEvent.click(screen.getByRole('button', { name: 'Refresh' }))
    await waitFor(() => expect(asked.some((each) => each.url.includes('refresh=normal'))).toBe(true))
  })

  it('lead to the plan of a sync and to the releases', async () => {
    serve({})
    show(<Actions application={shop({ history })} />)
    await userEvent.click(screen.getByRole('button', { name: 'Sync…' }))
    expect(screen.getByTestId('place')).toHaveTextContent('/applications/argocd/shop/sync')
    await userEvent.click(screen.getByRole('button', { name: 'Roll back…' }))
    expect(screen.getByTestId('place')).toHaveTextContent('/applications/argocd/shop/history?to=before')
  })

  it('offer no rollback where nothing was released', () => {
    serve({})
    show(<Actions application={shop()} />)
    expect(screen.getByRole('button', { name: 'Roll back…' })).toHaveAttribute(
      'title',
      expect.stringMatching(/no earlier/),
    )
  })

  it('each tell their command, and which permission lacks', async () => {
    serve({}, ['delete'])
    show(<Actions application={shop()} />)
    await userEvent.click(screen.getByRole('button', { name: 'More actions' }))
    expect(screen.getByText('haori app refresh shop --hard')).toBeInTheDocument()
    expect(await screen.findByText('You lack the permission “applications, delete, default/shop”.')).toBeVisible()
    expect(screen.getByRole('button', { name: 'Delete…' })).toHaveAttribute('aria-disabled', 'true')
  })

  it('say where Git declares what cannot be changed here', async () => {
    const source = { repoURL: 'https://git.example/platform.git', path: 'clusters/production' }
    serve({ 'GET /api/v1/applications/wear': { metadata: {}, spec: { source, destination: {} } } })
    show(<Actions application={shop({}, {}, declared)} />)
    await userEvent.click(screen.getByRole('button', { name: 'More actions' }))
    const text = /change clusters\/production in https:\/\/git\.example\/platform\.git \(application wear\)/
    expect(await screen.findAllByText(text)).toHaveLength(2)
  })
})

describe('deleting', () => {
  const tree = {
    nodes: [
      { kind: 'Deployment', namespace: 'shop', name: 'web', uid: '1', parents: [] },
      { kind: 'ReplicaSet', namespace: 'shop', name: 'web-1', uid: '2', parents: ['1'] },
      { kind: 'Service', namespace: 'shop', name: 'gone', uid: '', parents: [] },
    ],
  }

  it('shows what goes, and waits for the name', async () => {
    const asked = serve({ 'GET /api/haori/v1/applications/shop/tree': tree, [`DELETE ${APP}`]: {} })
    show(<Actions application={shop()} />, '/applications/argocd/shop?do=delete')
    expect(await screen.findByText('It has 1 objects in shop, which own 1 more:')).toBeVisible()
    expect(screen.getByText('Deployment shop/web')).toBeVisible()
    const dialog = within(screen.getByRole('dialog'))
    await userEvent.click(dialog.getByRole('radio', { name: /Only the application/ }))
    await userEvent.click(dialog.getByRole('button', { name: 'Delete' }))
    expect(asked.some((each) => each.method === 'DELETE')).toBe(false)
    await userEvent.type(dialog.getByRole('textbox'), 'shop')
    await userEvent.click(dialog.getByRole('button', { name: 'Delete' }))
    await waitFor(() => expect(screen.getByTestId('place')).toHaveTextContent('/applications'))
    expect(asked.find((each) => each.method === 'DELETE')?.url).toContain('cascade=false')
  })

  it.each([
    ['keep', { cascade: 'false' }, 'haori app delete shop --no-cascade'],
    [
      'background',
      { cascade: 'true', propagationPolicy: 'background' },
      'haori app delete shop --propagation-policy background',
    ],
  ] as const)('by %s', (cascade, query, command) => {
    expect(deletionOf(cascade)).toEqual(query)
    expect(deleteCommand('shop', cascade)).toBe(command)
  })
})

describe('automatic sync', () => {
  it('is switched on with what was chosen', async () => {
    const asked = serve({ [`PATCH ${APP}`]: {} })
    show(<Actions application={shop()} />, '/applications/argocd/shop?do=automation')
    const dialog = within(screen.getByRole('dialog'))
    expect(dialog.getByRole('button', { name: 'Save' })).toHaveAttribute('title', 'Nothing is changed yet.')
    expect(dialog.getByRole('checkbox', { name: /^Prune/ })).toBeDisabled()
    await userEvent.click(dialog.getByRole('checkbox', { name: /^Sync by itself/ }))
    await userEvent.click(dialog.getByRole('checkbox', { name: /^Prune/ }))
    await userEvent.click(dialog.getByRole('button', { name: 'Save' }))
    await waitFor(() => expect(asked.some((each) => each.method === 'PATCH')).toBe(true))
    const patch = { spec: { syncPolicy: { automated: { enabled: true, prune: true } } } }
    const body = { patch: JSON.stringify(patch), patchType: 'merge' }
    expect(asked.find((each) => each.method === 'PATCH')?.body).toEqual(body)
  })

  it.each([
    [null, 'haori app set shop --sync-policy none'],
    [{ prune: true }, 'haori app set shop --sync-policy automated --auto-prune --no-self-heal'],
    [{ selfHeal: true }, 'haori app set shop --sync-policy automated --no-auto-prune --self-heal'],
  ])('of %j is the command %s', (automated, command) => expect(automationCommand('shop', automated)).toBe(command))

  it('is taken out where it goes off', () => {
    expect(automationPatch(null)).toEqual({ spec: { syncPolicy: { automated: null } } })
  })
})

describe('the pin', () => {
  const pinned = (until?: string) => {
    const pin = { id: 3, revision: '0123456789abcdef0123456789abcdef01234567', owner: 'aki', reason: 'errors', until }
    return shop({}, {}, { 'haori.dev/pin': JSON.stringify(pin) })
  }

  it('says who holds it, why and until when', () => {
    serve({})
    show(<PinBanner application={pinned()} />)
    for (const text of ['Pinned to 0123456', 'by aki', 'errors', 'until somebody resumes']) {
      expect(screen.getByText(text)).toBeVisible()
    }
  })

  it('that ran out says why it stays', () => {
    serve({})
    show(<PinBanner application={pinned('2020-01-01T00:00:00Z')} />)
    expect(screen.getByText(/It ran out at .* so it stays/)).toBeVisible()
  })

  it('ends by one press', async () => {
    const asked = serve({ 'DELETE /api/haori/v1/applications/shop/pin': {} })
    show(<PinBanner application={pinned()} />)
    await userEvent.click(screen.getByRole('button', { name: 'Follow Git again' }))
    await waitFor(() => expect(asked.some((each) => each.method === 'DELETE')).toBe(true))
  })

  it('is not shown where there is none', () => {
    serve({})
    show(<PinBanner application={shop()} />)
    expect(screen.queryByText(/Pinned/)).toBeNull()
  })
})
