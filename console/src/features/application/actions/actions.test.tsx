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
const APP = '/api/v1/applications/shop'

const releases = [
  { id: 1, revision: 'a'.repeat(40) },
  { id: 2, revision: 'b'.repeat(40) },
]

describe('the actions', () => {
  it('refresh without changing anything', async () => {
    const asked = serve({ [`GET ${APP}`]: {} })
    show(<Actions application={shop()} />)
    await userEvent.click(screen.getByRole('button', { name: 'Refresh' }))
    await waitFor(() => expect(asked.some((each) => each.url.includes('refresh=normal'))).toBe(true))
  })

  it('lead to the plan of a sync and to the releases', async () => {
    serve({})
    show(<Actions application={shop({ history: releases })} />)
    await userEvent.click(screen.getByRole('button', { name: 'Sync…' }))
    expect(screen.getByTestId('place')).toHaveTextContent('/applications/argocd/shop/sync')
    await userEvent.click(screen.getByRole('button', { name: 'Roll back…' }))
    expect(screen.getByTestId('place')).toHaveTextContent('/applications/argocd/shop/history?to=before')
  })

  it.each([
    ['nothing was released', []],
    ['there is one release, which runs', releases.slice(1)],
  ])('offer no rollback where %s', (_, history) => {
    serve({})
    show(<Actions application={shop({ history })} />)
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
    expect(await screen.findByText('It has 1 object in shop, which owns 1 more:')).toBeVisible()
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

  describe('is ended', () => {
    const revision = 'fedcba9876543210fedcba9876543210fedcba98'
    const step = { ...{ group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }, action: 'configure' }
    const plan = {
      ...{ namespace: null, onFailure: [], refusals: [], invalid: [], skipped: [], dryRun: false, revision },
      waves: [{ phase: 'Sync', wave: 0, steps: [{ ...step, hook: null, needsApproval: false, differences: [] }] }],
    }
    const answers = {
      'GET /api/haori/v1/applications/shop/plan': plan,
      [`GET /api/v1/applications/shop/revisions/${revision}/metadata`]: {
        author: 'Ann <ann@wear.example>',
        message: 'Mend it\n\nWell.',
      },
      'DELETE /api/haori/v1/applications/shop/pin': {},
    }
    const open = async (application: ReturnType<typeof shop>) => {
      show(<PinBanner application={application} />)
      await userEvent.click(screen.getByRole('button', { name: 'Follow Git again…' }))
      return within(screen.getByRole('dialog'))
    }

    it('only after showing whose it is, where it leads and what happens there', async () => {
      const asked = serve(answers)
      const dialog = await open(pinned())
      expect(await dialog.findByText('Mend it')).toBeVisible()
      for (const text of ['by aki', 'errors', '1 changed', /^Git holds fedcba9 now \(main\).*\(Ann\)/]) {
        expect(dialog.getByText(text)).toBeVisible()
      }
      expect(dialog.getByText(/Automatic sync is off: ending the pin changes nothing/)).toBeVisible()
      expect(asked.find((each) => each.url.includes('/plan'))?.url).toContain('unpinned=true')
      expect(asked.some((each) => each.method === 'DELETE')).toBe(false)
      await userEvent.click(dialog.getByRole('button', { name: 'Follow Git again' }))
      await waitFor(() => expect(asked.some((each) => each.method === 'DELETE')).toBe(true))
      await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    })

    it('with a warning where Git still holds what it led away from, and by the rule of automatic sync', async () => {
      const asked = serve(answers)
      const pin = { id: 3, revision: '0'.repeat(40), wanted: [revision] }
      const application = shop(
        {},
        { syncPolicy: { automated: { prune: true } } },
        { 'haori.dev/pin': JSON.stringify(pin) },
      )
      const dialog = await open(application)
      expect(await dialog.findByText(/nothing newer has been pushed/)).toBeVisible()
      expect(dialog.getByText(/Automatic sync is on: the cluster goes there/)).toBeVisible()
      expect(asked.find((each) => each.url.includes('/plan'))?.url).toContain('prune=true')
    })

    it('also where what Git holds cannot be rendered, which is shown', async () => {
      const broken = new Response(JSON.stringify({ message: 'no such folder' }), { status: 422 })
      const asked = serve({ ...answers, 'GET /api/haori/v1/applications/shop/plan': broken })
      const dialog = await open(pinned())
      expect(await dialog.findByText('no such folder')).toBeVisible()
      await userEvent.click(dialog.getByRole('button', { name: 'Follow Git again' }))
      await waitFor(() => expect(asked.some((each) => each.method === 'DELETE')).toBe(true))
    })
  })

  it('is not shown where there is none', () => {
    serve({})
    show(<PinBanner application={shop()} />)
    expect(screen.queryByText(/Pinned/)).toBeNull()
  })
})
