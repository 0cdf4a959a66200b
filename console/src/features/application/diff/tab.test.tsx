import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { useKeyboard } from '@/shared/commands'
import { serve, shop, show } from '../testing'
import { DiffTab } from './tab'

afterEach(() => vi.unstubAllGlobals())

const time = new Date(Date.now() - 300_000).toISOString()
const web = (image: string) => ({
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, image, replicas: 2 },
})
const items = [
  {
    ...{ group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web', missing: false, extra: false },
    desired: web('shop:2'),
    live: web('shop:1'),
    differences: [
      { path: 'spec.image', desired: 'shop:2', live: 'shop:1', manager: 'kubectl-edit', time, masked: false },
    ],
  },
  {
    ...{ group: '', kind: 'Secret', namespace: 'shop', name: 'session', missing: false, extra: false },
    desired: { kind: 'Secret', data: { KEY: '+++++' } },
    live: { kind: 'Secret', data: { KEY: '++++++' } },
    differences: [{ path: 'data.KEY', desired: '+++++', live: '++++++', manager: '', masked: true }],
  },
  {
    ...{ group: '', kind: 'ConfigMap', namespace: 'shop', name: 'old', missing: false, extra: true },
    desired: null,
    live: { kind: 'ConfigMap', metadata: { name: 'old', uid: 'u' } },
    differences: [],
  },
]
const DIFF = 'GET /api/haori/v1/applications/shop/diff'
const AT = '/applications/argocd/shop/diff?layout=unified'
const rowTexts = () => screen.getAllByRole('row').map((row) => row.textContent)

function Part() {
  useKeyboard()
  return <DiffTab application={shop()} />
}

it('shows the first object that differs: what is live, what is wanted, whose the field is', async () => {
  serve({ [DIFF]: { items } })
  show(<Part />, AT)
  await screen.findByRole('table', { name: 'Differences of Deployment shop/web' })
  expect(rowTexts()).toContainEqual(
    expect.stringMatching(/in the cluster\s*image: shop:1set by kubectl-edit, 5 min ago$/),
  )
  expect(rowTexts()).toContainEqual(expect.stringMatching(/in Git\s*image: shop:2$/))
  expect(rowTexts()).not.toContainEqual(expect.stringMatching(/a: 1$/))
})

it('opens what is folded', async () => {
  serve({ [DIFF]: { items } })
  show(<Part />, AT)
  await userEvent.click(await screen.findByRole('button', { name: /lines as wanted/ }))
  expect(rowTexts()).toContainEqual(expect.stringMatching(/a: 1$/))
})

it('chooses another object, and keeps it in the address', async () => {
  serve({ [DIFF]: { items } })
  show(<Part />, AT)
  const list = within(await screen.findByRole('navigation', { name: 'Objects that differ' }))
  await userEvent.click(list.getByRole('button', { name: /old/ }))
  expect(screen.getByTestId('place')).toHaveTextContent('node=%2FConfigMap%2Fshop%2Fold')
  expect(screen.getByRole('heading', { name: 'ConfigMap shop/old' })).toBeVisible()
  expect(screen.getAllByText('not in Git').length).toBeGreaterThan(0)
})

it('jumps from change to change by n and p, and on to the next object', async () => {
  serve({ [DIFF]: { items } })
  show(<Part />, AT)
  await screen.findByRole('heading', { name: 'Deployment shop/web' })
  await userEvent.keyboard('n')
  expect(document.activeElement).toHaveTextContent('image: shop:1')
  await userEvent.keyboard('n')
  expect(await screen.findByRole('heading', { name: 'Secret shop/session' })).toBeVisible()
  expect(document.activeElement).toHaveTextContent('KEY: "++++++"')
  await userEvent.keyboard('p')
  expect(await screen.findByRole('heading', { name: 'Deployment shop/web' })).toBeVisible()
})

it('never shows the value of a secret, only that it differs', async () => {
  serve({ [DIFF]: { items } })
  show(<Part />, `${AT}&node=%2FSecret%2Fshop%2Fsession`)
  await screen.findByRole('heading', { name: 'Secret shop/session' })
  expect(screen.getByText('secret: only whether it differs is shown')).toBeInTheDocument()
})

it('shows both sides beside each other where that is asked for', async () => {
  serve({ [DIFF]: { items } })
  show(<Part />, AT.replace('unified', 'split'))
  await screen.findByRole('table', { name: 'Differences of Deployment shop/web' })
  expect(rowTexts()).toContainEqual(
    expect.stringMatching(/image: shop:1set by kubectl-edit, 5 min ago\d+\s*image: shop:2$/),
  )
})

it('compares with another revision', async () => {
  const asked = serve({ [DIFF]: { items: [] } })
  show(<Part />, AT)
  await userEvent.type(screen.getByRole('searchbox', { name: 'Compare with' }), 'v2{Enter}')
  expect(await screen.findByText('The cluster has what v2 says.')).toBeVisible()
  expect(asked.at(-1)?.url).toContain('revision=v2')
  expect(screen.getByText('haori app diff shop --revision v2')).toBeInTheDocument()
})

it('says that nothing differs', async () => {
  serve({ [DIFF]: { items: [] } })
  show(<Part />, AT)
  expect(await screen.findByText('The cluster has what Git wants.')).toBeVisible()
})

it('shows what went wrong', async () => {
  serve({ [DIFF]: new Response(JSON.stringify({ message: 'the engine is away' }), { status: 422 }) })
  show(<Part />, AT)
  expect(await screen.findByText('the engine is away')).toBeVisible()
})

it('makes a rule of a field, and shows its reach before it is written', async () => {
  const vanishes = [{ path: 'spec.image', desired: 'shop:2', live: 'shop:1', manager: 'kubectl-edit', masked: false }]
  const patch = { spec: { ignoreDifferences: [{ kind: 'Deployment' }] } }
  const preview = {
    items: [{ group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web', vanishes, stays: [] }],
    ...{ reach: 3, patch, yaml: 'spec:\n  ignoreDifferences: []\n', declaredBy: null },
  }
  const asked = serve({
    [DIFF]: { items },
    'POST /api/haori/v1/applications/shop/ignore/preview': preview,
    'PATCH /api/v1/applications/shop': {},
  })
  show(<Part />, AT)
  await userEvent.click(await screen.findByRole('button', { name: 'Ignore spec.image' }))
  const dialog = within(screen.getByRole('dialog'))
  await userEvent.click(dialog.getByRole('radio', { name: 'Every Deployment of this application' }))
  await userEvent.click(dialog.getByRole('radio', { name: 'Whatever kubectl-edit sets' }))
  expect(await dialog.findByText(/Differences that vanish: 1, in 1 of the 3 objects/)).toBeVisible()
  expect(asked.filter((each) => each.url.includes('preview')).at(-1)?.body).toEqual({
    ...{ group: 'apps', kind: 'Deployment', managedFieldsManagers: ['kubectl-edit'] },
  })
  await userEvent.click(dialog.getByRole('button', { name: 'Write the rule' }))
  await vi.waitFor(() => expect(asked.some((each) => each.method === 'PATCH')).toBe(true))
  const sent = asked.find((each) => each.method === 'PATCH')?.body
  expect(sent).toEqual({ patch: JSON.stringify(patch), patchType: 'merge' })
})

it('leaves a rule to Git where Git declares the application', async () => {
  const preview = { items: [], reach: 1, patch: {}, yaml: 'spec: {}\n', declaredBy: 'wear' }
  serve({ [DIFF]: { items }, 'POST /api/haori/v1/applications/shop/ignore/preview': preview })
  show(<Part />, AT)
  await userEvent.click(await screen.findByRole('button', { name: 'Ignore spec.image' }))
  expect(await screen.findByText('To be written in Git')).toBeVisible()
  expect(screen.getByRole('button', { name: 'Write the rule' })).toHaveAttribute('aria-disabled', 'true')
})
