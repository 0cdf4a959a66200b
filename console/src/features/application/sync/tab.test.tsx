import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { serve, shop, show } from '../testing'
import type { OperationState } from './operation'
import { SyncTab } from './tab'

afterEach(() => vi.unstubAllGlobals())

const object = (kind: string, name: string) => ({ group: '', kind, namespace: 'shop', name })
const step = (kind: string, name: string, action: string, differences: unknown[] = []) => ({
  ...object(kind, name),
  ...{ action, hook: action === 'hook' ? 'PreSync' : null, needsApproval: false, differences },
})
const image = { path: 'spec.image', desired: 'shop:2', live: 'shop:1', manager: 'kubectl', masked: false }
const plan = {
  namespace: null,
  waves: [
    { phase: 'PreSync', wave: 0, steps: [step('Job', 'migrate', 'hook')] },
    {
      phase: 'Sync',
      wave: 0,
      steps: [step('Deployment', 'web', 'configure', [image]), step('Service', 'web', 'keep')],
    },
  ],
  onFailure: [],
  refusals: [],
  invalid: [],
  skipped: [{ object: 'ConfigMap shop/old', reason: 'prune-off' }],
  dryRun: false,
  revision: '0123456789abcdef0123456789abcdef01234567',
}
const PLAN = 'POST /api/haori/v1/applications/shop/plan'
const SYNC = 'POST /api/v1/applications/shop/sync'

describe('before a sync', () => {
  it('shows waves, what happens to each object, whose fields change and what is left alone', async () => {
    serve({ [PLAN]: plan })
    show(<SyncTab application={shop()} />)
    const sync = within((await screen.findByRole('heading', { name: 'Sync' })).closest('li') ?? document.body)
    expect(sync.getByText('change')).toBeVisible()
    expect(sync.getByText('set by kubectl')).toBeInTheDocument()
    expect(sync.getByText('1 unchanged')).toBeVisible()
    expect(screen.getByText('no longer in Git; pruning is off')).toBeVisible()
    expect(screen.getByText('at 0123456')).toBeVisible()
  })

  it('asks for exactly what is ticked', async () => {
    const asked = serve({ [PLAN]: plan, [SYNC]: {} })
    show(<SyncTab application={shop()} />)
    await userEvent.click(await screen.findByRole('checkbox', { name: 'Include Service shop/web' }))
    expect(screen.getByText(/runs no hooks/)).toBeVisible()
    expect(screen.queryByRole('heading', { name: 'Before the sync' })).toBeNull()
    expect(screen.queryByText('1 hook runs')).toBeNull()
    expect(screen.getByText('1 changed')).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Synchronize what is chosen (1)' }))
    await waitFor(() => expect(screen.getByTestId('place')).toHaveTextContent('view=last'))
    const sent = asked.find((each) => each.url.includes('/sync?'))
    expect(sent?.body).toEqual({ resources: [object('Deployment', 'web')] })
  })

  it('plans anew with an option and keeps it in the address', async () => {
    const asked = serve({ [PLAN]: plan })
    show(<SyncTab application={shop()} />)
    await userEvent.click(await screen.findByText('Options'))
    await userEvent.click(screen.getByRole('checkbox', { name: /^Prune/ }))
    expect(screen.getByTestId('place')).toHaveTextContent('options=prune')
    await waitFor(() =>
      expect(asked.filter((each) => each.url.includes('/plan')).at(-1)?.body).toEqual({
        operation: { sync: { prune: true } },
      }),
    )
  })

  it('says which permission lacks, and still shows the plan', async () => {
    const asked = serve({ 'GET /api/haori/v1/applications/shop/plan': plan }, ['sync'])
    show(<SyncTab application={shop()} />)
    const button = await screen.findByRole('button', { name: 'Synchronize' })
    expect(button).toHaveAttribute('aria-disabled', 'true')
    expect(screen.getByText('You lack the permission “applications, sync, default/shop”.')).toBeVisible()
    await userEvent.click(button)
    expect(asked.some((each) => each.url.includes('/sync?'))).toBe(false)
  })

  it('does not begin what is not permitted', async () => {
    serve({ [PLAN]: { ...plan, refusals: [{ code: 'x', text: 'Project default denies Secrets.' }] } })
    show(<SyncTab application={shop()} />)
    expect(await screen.findByText('Project default denies Secrets.')).toBeVisible()
    expect(screen.getByRole('button', { name: 'Synchronize' })).toHaveAttribute('aria-disabled', 'true')
  })

  it('shows a plan that could not be made', async () => {
    const refused = new Response(JSON.stringify({ message: 'the engine is away' }), { status: 422 })
    serve({ [PLAN]: refused })
    show(<SyncTab application={shop()} />)
    expect(await screen.findByText('the engine is away')).toBeVisible()
  })
})

/** The application as its page knows it, and the server with what became of each object. */
function withOperation(operationState: OperationState) {
  const { resources: _, ...syncResult } = operationState.syncResult ?? {}
  const known = shop({ operationState: { ...operationState, syncResult } })
  return { known, told: { 'GET /api/v1/applications/shop': shop({ operationState }) } }
}

describe('a sync under way', () => {
  const state: OperationState = {
    phase: 'Running',
    message: 'waiting for the migration',
    startedAt: '2026-01-01T00:00:00Z',
    retryCount: 2,
    operation: { sync: {}, initiatedBy: { username: 'aki' }, retry: { limit: 5 } },
    syncResult: {
      revision: plan.revision,
      resources: [{ ...object('Job', 'migrate'), syncPhase: 'PreSync', hookType: 'PreSync', hookPhase: 'Running' }],
    },
  }

  it('is its plan filling in, with who began it and which try it is', async () => {
    const { known, told } = withOperation(state)
    serve({ ...told, 'GET /api/haori/v1/applications/shop/plan': plan })
    show(<SyncTab application={known} />)
    const sync = within((await screen.findByRole('heading', { name: 'Sync' })).closest('li') ?? document.body)
    expect(sync.getAllByText('waiting')).toHaveLength(3)
    expect(screen.getByText('by aki')).toBeVisible()
    expect(screen.getByText('try 2 of 5')).toBeVisible()
  })

  it('says when the next try begins', async () => {
    const { known, told } = withOperation({ ...state, finishedAt: new Date(Date.now() + 3_600_000).toISOString() })
    serve({ ...told, 'GET /api/haori/v1/applications/shop/plan': plan })
    show(<SyncTab application={known} />)
    expect(await screen.findByText('Try 2 of 5 begins in 1 h')).toBeVisible()
  })

  it('can be ended', async () => {
    const { known, told } = withOperation(state)
    const asked = serve({
      ...told,
      'GET /api/haori/v1/applications/shop/plan': plan,
      'DELETE /api/v1/applications/shop/operation': {},
    })
    show(<SyncTab application={known} />)
    await userEvent.click(await screen.findByRole('button', { name: 'Terminate' }))
    await waitFor(() => expect(asked.some((each) => each.method === 'DELETE')).toBe(true))
  })
})

it('that was watched stays when it ends, until the reader goes on', async () => {
  const running = withOperation({ phase: 'Running', startedAt: '2026-01-01T00:00:00Z', syncResult: {} })
  const sent = { ...object('Service', 'web'), syncPhase: 'Sync', status: 'Synced', message: 'service/web applied' }
  const ended = withOperation({
    ...{ phase: 'Succeeded', startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:05Z' },
    syncResult: { resources: [sent] },
  })
  serve({ ...running.told, [PLAN]: plan, 'GET /api/haori/v1/applications/shop/plan': plan })
  const page = show(<SyncTab application={running.known} />)
  expect(await screen.findByRole('button', { name: 'Terminate' })).toBeVisible()
  serve({ ...ended.told, [PLAN]: plan })
  page.change(<SyncTab application={ended.known} />)
  expect(await screen.findByText('service/web applied')).toBeInTheDocument()
  await userEvent.click(screen.getByRole('button', { name: 'Plan a sync' }))
  expect(await screen.findByRole('button', { name: 'Synchronize' })).toBeVisible()
})

it('keeps the filled plan of a sync that was watched to its end', async () => {
  const applied = {
    ...object('Deployment', 'web'),
    syncPhase: 'Sync',
    status: 'Synced',
    message: 'deployment configured',
  }
  const of = (phase: string) =>
    withOperation({
      phase,
      startedAt: '2026-01-02T00:00:00Z',
      operation: { sync: {} },
      syncResult: { resources: [applied] },
    })
  const [running, over] = [of('Running'), of('Succeeded')]
  const quiet = { ...plan, waves: [{ phase: 'PreSync', wave: 0, steps: [step('Job', 'migrate', 'hook')] }] }
  serve({ ...running.told, 'GET /api/haori/v1/applications/shop/plan': plan, [PLAN]: quiet })
  const page = show(<SyncTab application={running.known} />)
  expect(await screen.findByText('deployment configured')).toBeVisible()
  serve({ ...over.told, [PLAN]: quiet })
  page.change(<SyncTab application={over.known} />)
  expect(await screen.findByRole('heading', { name: 'Last sync' })).toBeVisible()
  expect(screen.getByText('deployment configured')).toBeVisible()
  expect(screen.getByRole('heading', { name: 'Before the sync' })).toBeVisible()
  await userEvent.click(screen.getByRole('button', { name: 'Plan a sync' }))
  expect(await screen.findByText(/Nothing differs from Git/)).toBeVisible()
})

it('has the results of a dry run in the cells of its plan', async () => {
  const refused = {
    ...object('Deployment', 'web'),
    syncPhase: 'Sync',
    status: 'SyncFailed',
    message: 'immutable field',
  }
  const fine = { ...object('Service', 'web'), syncPhase: 'Sync', status: 'Synced', message: 'service/web unchanged' }
  const { known, told } = withOperation({
    phase: 'Failed',
    message: 'one object was refused',
    operation: { sync: { dryRun: true } },
    syncResult: { revision: plan.revision, resources: [refused, fine] },
  })
  serve({ ...told, [PLAN]: plan })
  show(<SyncTab application={known} />)
  expect(await screen.findByText('dry run: refused')).toBeVisible()
  expect(screen.getByText('immutable field')).toBeVisible()
  expect(screen.getByText('dry run: accepted')).toBeInTheDocument()
  expect(screen.getByText('change')).toBeVisible()
  expect(screen.getByRole('link', { name: 'Last dry run' })).toBeVisible()
})

it('does not tell a dry run of another revision', async () => {
  const { known, told } = withOperation({
    phase: 'Succeeded',
    operation: { sync: { dryRun: true } },
    syncResult: { revision: 'f'.repeat(40), resources: [{ ...object('Service', 'web'), status: 'Synced' }] },
  })
  const asked = serve({ ...told, [PLAN]: plan })
  show(<SyncTab application={known} />)
  await waitFor(() => expect(asked.some((each) => each.url.includes('fields='))).toBe(true))
  expect(await screen.findByText('change')).toBeVisible()
  expect(screen.queryByText(/dry run:/)).toBeNull()
})

it('tells the waves of the last sync as the application has them', async () => {
  const of = (name: string) => ({ ...object('ConfigMap', name), syncPhase: 'Sync', status: 'Synced' })
  const { known, told } = withOperation({
    phase: 'Succeeded',
    syncResult: { resources: [of('first'), of('second'), of('gone')] },
  })
  const resources = [{ ...object('ConfigMap', 'first'), syncWave: -1 }, object('ConfigMap', 'second')]
  const application = told['GET /api/v1/applications/shop']
  serve({ 'GET /api/v1/applications/shop': { ...application, status: { ...application.status, resources } } })
  show(<SyncTab application={known} />, '/applications/argocd/shop/sync?view=last')
  expect(await screen.findByText('wave -1')).toBeVisible()
  expect(screen.getByText('wave 0')).toBeVisible()
  expect(screen.getByText('wave not known')).toBeVisible()
})

it('tells the last sync by its results, and leads back to the plan', async () => {
  const failed = { ...object('Deployment', 'web'), syncPhase: 'Sync', status: 'SyncFailed', message: 'immutable field' }
  const { known, told } = withOperation({ phase: 'Failed', message: 'it failed', syncResult: { resources: [failed] } })
  serve({ ...told, [PLAN]: plan })
  show(<SyncTab application={known} />, '/applications/argocd/shop/sync?view=last')
  expect(await screen.findByText('immutable field')).toBeVisible()
  await userEvent.click(screen.getByRole('button', { name: 'Plan a sync' }))
  expect(await screen.findByRole('button', { name: 'Synchronize' })).toBeVisible()
})

it('lists what the last sync sent, with what the cluster said', async () => {
  const sent = { ...object('Service', 'web'), syncPhase: 'Sync', status: 'Synced', message: 'service/web applied' }
  const { known, told } = withOperation({ phase: 'Succeeded', syncResult: { resources: [sent] } })
  serve(told)
  show(<SyncTab application={known} />, '/applications/argocd/shop/sync?view=last')
  expect(await screen.findByText('service/web applied')).toBeVisible()
  expect(screen.queryByText(/unchanged/)).toBeNull()
})

it('asks anew when another operation has run', async () => {
  const ran = (day: number, message: string) => {
    const sent = { ...object('Service', 'web'), syncPhase: 'Sync', status: 'Synced', message }
    return withOperation({
      phase: 'Succeeded',
      startedAt: `2026-01-0${day}T00:00:00Z`,
      syncResult: { resources: [sent] },
    })
  }
  const [first, second] = [ran(1, 'created'), ran(2, 'configured')]
  serve(first.told)
  const page = show(<SyncTab application={first.known} />, '/applications/argocd/shop/sync?view=last')
  expect(await screen.findByText('created')).toBeVisible()
  serve(second.told)
  page.change(<SyncTab application={second.known} />)
  expect(await screen.findByText('configured')).toBeVisible()
  expect(screen.queryByText('created')).toBeNull()
})

it('says where nothing was ever synchronized', () => {
  serve({})
  show(<SyncTab application={shop()} />, '/applications/argocd/shop/sync?view=last')
  expect(screen.getByText('It was never synchronized')).toBeVisible()
})
