import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { serve, shop, show } from '../testing'
import { beginningOf, fixesOf, partsOf, reasonOf } from './facts'
import { LongText } from './long-text'
import { Why } from './why'

afterEach(() => vi.unstubAllGlobals())

const pull = {
  code: 'why-image-pull',
  text: 'Pod shop/web-1 of Deployment shop/web cannot pull image shop:9 (not found)',
  parameters: { object: 'Pod shop/web-1', owner: 'Deployment shop/web', image: 'shop:9', reason: 'not found' },
}
const commit = { revision: 'cf337b2', subject: 'Run it', author: 'Aki', ago: '2m', application: 'shop' }
const since = { code: 'why-with-commit', text: 'whole', parameters: { reason: pull, ...commit } }

describe('a reason', () => {
  it('is told with its commit beside it', () => {
    expect(reasonOf(since)).toEqual({
      ...{ code: 'why-image-pull', text: pull.text, more: 0 },
      commit: { revision: 'cf337b2', subject: 'Run it', author: 'Aki' },
      objects: ['Pod shop/web-1', 'Deployment shop/web'],
      facts: [['image', 'shop:9']],
    })
  })

  it('names fields, and how many objects more differ', () => {
    const parameters = { object: 'Service shop/web', fields: ['spec.ports', 'spec.type'], more: 2 }
    const reason = reasonOf({ code: 'why-differs-and-more', text: '', parameters })
    expect([reason.facts, reason.more]).toEqual([[['field', 'spec.ports, spec.type']], 2])
  })

  it('counts restarts only where they are meant', () => {
    const parameters = { count: 6 }
    expect(reasonOf({ code: 'health-nothing-live', text: '', parameters }).facts).toEqual([])
    expect(reasonOf({ code: 'why-crash-loop', text: '', parameters }).facts).toEqual([['restarts', '6']])
  })

  it('needs no parameters', () => expect(reasonOf({ code: 'x', text: 'y' }).objects).toEqual([]))
})

it.each([
  ['why-crash-loop', false, ['logs', 'rollback']],
  ['why-differs-and-more', false, ['diff', 'sync']],
  ['why-differs', true, ['running', 'diff']],
  ['why-sync-waits', true, ['running', 'events']],
  ['operation-not-applied', false, ['last', 'sync']],
  ['sync-attempt-failed', false, ['last', 'sync']],
  ['project-missing', false, ['source']],
  ['target-state-failed', false, ['source']],
  ['something-new', false, []],
] as const)('%s, running %s, is helped by %j', (code, running, fixes) => expect(fixesOf(code, running)).toEqual(fixes))

it('takes commands out of a sentence', () =>
  expect(partsOf('run `haori up` now')).toEqual(['run ', 'haori up', ' now']))

describe('the line', () => {
  const node = { uid: 'u', group: '', kind: 'Pod', namespace: 'shop', name: 'web-1', version: 'v1', parents: [] }
  const answers = (why: unknown) => ({
    'GET /api/haori/v1/applications/shop/why': { sync: 'Synced', health: 'Degraded', why },
    'GET /api/haori/v1/applications/shop/tree': { nodes: [node] },
  })

  it('leads to the object, its events and the way back', async () => {
    serve(answers(since))
    show(<Why application={shop({ history: [{ id: 1 }] })} />)
    expect(await screen.findByText(pull.text)).toBeVisible()
    expect(screen.getByText('Since commit cf337b2 “Run it” by Aki')).toBeVisible()
    const link = await screen.findByRole('link', { name: 'Pod shop/web-1' })
    expect(link).toHaveAttribute('href', expect.stringContaining('node=%2FPod%2Fshop%2Fweb-1&panel=summary'))
    const fixes = within(screen.getByRole('list', { name: 'What to do' })).getAllByRole('link')
    expect(fixes.map((each) => each.textContent)).toEqual(['See its events', 'Go back to the release before'])
  })

  it('says what to do where that is known, and leads there', async () => {
    const why = { code: 'project-missing', text: 'It names project nowhere.', parameters: { project: 'nowhere' } }
    const told = { sync: 'Unknown', health: 'Unknown', why, hint: 'create the AppProject' }
    serve({ 'GET /api/haori/v1/applications/shop/why': told })
    show(<Why application={shop()} />)
    expect(await screen.findByText('What to do: create the AppProject.')).toBeVisible()
    const link = screen.getByRole('link', { name: 'See where it comes from' })
    expect(link).toHaveAttribute('href', '/applications/argocd/shop/details')
  })

  it('is cut where it is long, and whole by one press', async () => {
    serve(answers({ code: 'x', text: `begin ${'so '.repeat(200)}end`, parameters: {} }))
    show(<Why application={shop()} />)
    await userEvent.click(await screen.findByRole('button', { name: 'Show all of it' }))
    expect(screen.getByText(/^begin .*end$/)).toBeVisible()
    await userEvent.click(screen.getByRole('button', { name: 'Show less' }))
    expect(screen.queryByText(/end$/)).toBeNull()
  })

  it('sets hostile text as text', async () => {
    serve(answers({ code: 'x', text: '<img src=x onerror=alert(1)> `<b>`', parameters: {} }))
    show(<Why application={shop()} />)
    expect(await screen.findByText(/<img src=x/)).toBeVisible()
    expect(document.querySelector('img, b')).toBeNull()
  })

  it.each([[null], [{ code: 'pin-holds', text: 'Pinned.', parameters: {} }]])('is not there for %j', async (why) => {
    const asked = serve(answers(why))
    show(<Why application={shop()} />)
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(0))
    expect(screen.queryByRole('region', { name: 'Why it is not as wanted' })).toBeNull()
  })
})

it.each([
  ['short', 10, 'short'],
  ['waits for a volume', 12, 'waits for a'],
  ['waits for a', 9, 'waits for'],
  ['averyveryverylongword', 8, 'averyver'],
  ['a averyveryverylongword', 10, 'a averyver'],
])('the beginning of %j in %s characters is %j', (text, most, beginning) =>
  expect(beginningOf(text, most)).toBe(beginning),
)

it('shows the whole of a long text at a press', async () => {
  show(<LongText text="waits for a volume" most={12} />)
  expect(screen.getByText('waits for a …')).toBeVisible()
  await userEvent.click(screen.getByRole('button'))
  expect(screen.getByText('waits for a volume')).toBeVisible()
})
