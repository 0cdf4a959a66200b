import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { serve, shop, show } from '../testing'
import { HistoryTab } from './tab'

afterEach(() => vi.unstubAllGlobals())

const A = 'a'.repeat(40)
const B = 'b'.repeat(40)
const name = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
const release = (id: number, revision: string, rest: object = {}) => ({
  ...{ id, revisions: [revision], startedAt: '2026-01-01T00:00:00Z', deployedAt: '2026-01-01T00:00:05Z', seconds: 5 },
  ...{ who: 'automated', automated: true, images: ['shop:1'], changed: [] },
  commit: { author: 'Aki Tanaka <aki@wear.example>', date: '', message: `Release ${id}`, revision },
  ...rest,
})
const items = [
  release(2, B, { images: ['shop:2', 'proxy:1'], changed: [{ ...name, change: 'changed' }] }),
  release(1, A, { images: ['shop:1', 'proxy:1'], automated: false, who: 'mei', commit: null }),
]
const plan = {
  ...{ namespace: null, onFailure: [], refusals: [], invalid: [], skipped: [], dryRun: false, revision: A },
  waves: [
    {
      phase: 'Sync',
      wave: 0,
      steps: [{ ...name, action: 'configure', hook: null, needsApproval: false, differences: [] }],
    },
  ],
}
const hook = { ...name, kind: 'Job', name: 'migrate', hookType: 'PreSync', hookPhase: 'Succeeded' }
const application = shop({
  sync: { revision: B },
  history: [
    { id: 1, revision: A },
    { id: 2, revision: B },
  ],
  operationState: { phase: 'Succeeded', syncResult: { revision: B, resources: [hook] } },
})
const OWN = '/api/haori/v1/applications/shop'
const AT = '/applications/argocd/shop/history'
const answers = {
  'GET /api/v1/applications/shop': application,
  [`GET ${OWN}/history`]: { items },
  [`POST ${OWN}/plan`]: plan,
  [`POST ${OWN}/rollback`]: { hooks: [] },
}

describe('the releases', () => {
  it('tell their commit, who and what made them, their images and what changed', async () => {
    serve(answers)
    show(<HistoryTab application={application} />, AT)
    const [newest, oldest] = await screen.findAllByRole('listitem', { name: '' }).then(() => {
      const list = screen.getByRole('list', { name: 'Releases' })
      return [...list.children].map((each) => within(each as HTMLElement))
    })
    for (const text of ['Release 2', 'runs now', 'commit by Aki Tanaka', 'by automatic sync', 'took 5 s']) {
      expect(newest?.getByText(text)).toBeVisible()
    }
    expect(newest?.getByText('shop:2').closest('li')?.className).toMatch(/came/)
    expect(newest?.getByText('proxy:1').closest('li')?.className).not.toMatch(/came/)
    expect(newest?.getByText('1 object changed')).toBeVisible()
    expect(oldest?.getByText('synced by mei')).toBeVisible()
    expect(oldest?.getByText('The commit is no longer known.')).toBeVisible()
  })

  it('lead to a comparison of two', async () => {
    const compared = [{ ...name, change: 'changed', from: { image: 'shop:1' }, to: { image: 'shop:2' } }]
    const asked = serve({ ...answers, [`GET ${OWN}/compare`]: { items: compared } })
    show(<HistoryTab application={application} />, AT)
    await userEvent.click(await screen.findByRole('checkbox', { name: 'Compare release 2' }))
    await userEvent.click(screen.getByRole('checkbox', { name: 'Compare release 1' }))
    await userEvent.click(screen.getByRole('button', { name: 'Compare 1 with 2' }))
    expect(await screen.findByRole('heading', { name: 'Deployment shop/web' })).toBeVisible()
    expect(asked.find((each) => each.url.includes('/compare'))?.url).toMatch(/from=1&to=2$/)
    await userEvent.click(screen.getByRole('button', { name: 'All releases' }))
    expect(await screen.findByText('Release 2')).toBeVisible()
  })

  it('of one are compared with what Git wants now', async () => {
    const asked = serve({ ...answers, [`GET ${OWN}/compare`]: { items: [] } })
    show(<HistoryTab application={application} />, `${AT}?compare=1..now`)
    expect(await screen.findByText('Both are the same')).toBeVisible()
    expect(asked.find((each) => each.url.includes('/compare'))?.url).toMatch(/from=1$/)
  })

  it('say that there are none', async () => {
    serve({ [`GET ${OWN}/history`]: { items: [] } })
    show(<HistoryTab application={shop()} />, AT)
    expect(await screen.findByText('Nothing was released yet')).toBeVisible()
  })

  it('show what went wrong', async () => {
    serve({ [`GET ${OWN}/history`]: new Response(JSON.stringify({ message: 'the engine is away' }), { status: 422 }) })
    show(<HistoryTab application={shop()} />, AT)
    expect(await screen.findByText('the engine is away')).toBeVisible()
  })
})

describe('going back', () => {
  it('shows the plan and the hooks that nothing undoes, then pins with reason and duration', async () => {
    const asked = serve(answers)
    show(<HistoryTab application={application} />, `${AT}?to=before`)
    const dialog = within(await screen.findByRole('dialog', { name: 'Roll shop back to aaaaaaa' }))
    expect(await dialog.findByText('Job shop/migrate')).toBeVisible()
    expect(await dialog.findByText('change')).toBeVisible()
    expect(asked.find((each) => each.url.includes('/plan'))?.body).toEqual({
      operation: { sync: { revision: A, prune: false } },
    })
    await userEvent.type(dialog.getByRole('textbox', { name: /^Reason/ }), 'errors')
    await userEvent.selectOptions(dialog.getByRole('combobox', { name: /^Holds for/ }), '2 hours')
    await userEvent.click(dialog.getByRole('button', { name: 'Roll back' }))
    await waitFor(() => expect(screen.getByTestId('place')).toHaveTextContent('/shop/sync?view=last'))
    const sent = asked.find((each) => each.url.includes('/rollback?'))
    expect(sent?.body).toEqual({ id: 1, reason: 'errors', for: '2h' })
  })

  it('stays with its release while the application already goes back', async () => {
    serve(answers)
    const pin = { 'haori.dev/pin': JSON.stringify({ id: 1, revision: A, wanted: [B] }) }
    const { history, ...rest } = application.status ?? {}
    const gone = shop({ ...rest, history: [...(history ?? []), { id: 3, revision: A }] }, {}, pin)
    const { change } = show(<HistoryTab application={application} />, `${AT}?to=before`)
    await userEvent.type(await screen.findByRole('textbox', { name: /^Reason/ }), 'errors')
    change(<HistoryTab application={gone} />)
    expect(screen.getByRole('dialog', { name: 'Roll shop back to aaaaaaa' })).toBeVisible()
    expect(screen.getByRole('textbox', { name: /^Reason/ })).toHaveValue('errors')
    await userEvent.click(screen.getByRole('button', { name: 'Roll back' }))
    await waitFor(() => expect(screen.getByTestId('place')).toHaveTextContent('/shop/sync?view=last'))
  })

  it('by a commit asks for no duration', async () => {
    const asked = serve({ ...answers, [`POST ${OWN}/rollback`]: { hooks: [], commits: [] } })
    show(<HistoryTab application={application} />, `${AT}?to=1`)
    const dialog = within(await screen.findByRole('dialog'))
    await userEvent.click(dialog.getByRole('radio', { name: /^A commit in Git/ }))
    expect(dialog.queryByRole('combobox')).toBeNull()
    await userEvent.click(dialog.getByRole('button', { name: 'Roll back' }))
    await waitFor(() => expect(asked.some((each) => each.url.includes('/rollback?'))).toBe(true))
    expect(asked.find((each) => each.url.includes('/rollback?'))?.body).toEqual({ id: 1, git: true })
  })

  it('says which permission lacks', async () => {
    serve(answers, ['rollback'])
    show(<HistoryTab application={application} />, `${AT}?to=1`)
    const dialog = within(await screen.findByRole('dialog'))
    expect(await dialog.findByText('You lack the permission “applications, rollback, default/shop”.')).toBeVisible()
    expect(dialog.getByRole('button', { name: 'Roll back' })).toHaveAttribute('aria-disabled', 'true')
  })

  it('says that a release is gone', async () => {
    serve(answers)
    show(<HistoryTab application={application} />, `${AT}?to=99`)
    expect(await screen.findByText(/left the list of releases/)).toBeVisible()
  })
})
