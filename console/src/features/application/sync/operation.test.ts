import { describe, expect, it } from 'vitest'
import { nextTryAt, type OperationState, seconds, triesOf } from './operation'
import { type Column, tallyOf } from './plan'
import {
  type Choices,
  chosenColumns,
  columnsOfObjects,
  commandOf,
  isTrialOf,
  offeredColumns,
  operationOf,
  requestOf,
  type Switch,
} from './request'

describe('the next try', () => {
  const at = (rest: Partial<OperationState>) =>
    nextTryAt({ phase: 'Running', finishedAt: '2026-01-01T00:00:00Z', retryCount: 1, ...rest })
  const later = (pause: number) => Date.parse('2026-01-01T00:00:00Z') + pause * 1000

  it.each([
    ['of the default pause', { operation: { retry: { limit: 5 } } }, later(10)],
    ['grows', { operation: { retry: { limit: 5 } }, retryCount: 3 }, later(40)],
    ['has a longest pause', { operation: { retry: { limit: 20 } }, retryCount: 12 }, later(180)],
    ['by its own backoff', { operation: { retry: { backoff: { duration: '1m', factor: 1 } } } }, later(60)],
    ['without a policy', { operation: {} }, null],
    ['of one that works', { operation: { retry: {} }, finishedAt: '' }, null],
    ['of one that is over', { operation: { retry: {} }, phase: 'Failed' }, null],
  ] as const)('%s', (_, rest, expected) => expect(at(rest)).toBe(expected))

  it.each([
    [undefined, 0],
    [5, 5],
    [-1, null],
  ])('with the limit %s: %s tries', (limit, tries) => {
    expect(triesOf({ phase: 'Running', operation: { retry: limit === undefined ? {} : { limit } } })).toBe(tries)
  })
})

it.each([
  ['5s', 5],
  ['1m30s', 90],
  ['2h', 7200],
  ['90', 90],
  ['', 7],
  ['soon', 7],
])('%s is %s seconds', (text, expected) => expect(seconds(text, 7)).toBe(expected))

const cell = (kind: string, action: 'configure' | 'hook') => ({
  ...{ group: '', kind, namespace: 'shop', name: kind.toLowerCase(), key: `/${kind}/shop/${kind.toLowerCase()}` },
  ...{ action, hook: null, needsApproval: false, differences: [], result: 'planned' as const, message: '' },
})
const columns: Column[] = [
  { id: 'PreSync 0', phase: 'PreSync', wave: 0, cells: [cell('Job', 'hook')], result: 'planned' },
  {
    id: 'Sync 0',
    phase: 'Sync',
    wave: 0,
    cells: [cell('Secret', 'configure'), cell('Service', 'configure')],
    result: 'planned',
  },
]
const choices = (switches: Switch[], without: string[] = [], revision = ''): Choices => ({
  switches: new Set(switches),
  without: new Set(without),
  revision,
})

describe('what is ticked', () => {
  const ids = (shown: readonly Column[]) => shown.map((each) => [each.id, ...each.cells.map((one) => one.kind)])

  it('is all of it, with its hooks, at first', () => {
    expect(chosenColumns(columns, new Set())).toEqual(columns)
  })

  it('takes the hooks along where a tick goes, and leaves the object to tick again', () => {
    const without = new Set(['/Secret/shop/secret'])
    expect(ids(offeredColumns(columns, without))).toEqual([['Sync 0', 'Secret', 'Service']])
    expect(ids(chosenColumns(columns, without))).toEqual([['Sync 0', 'Service']])
    expect(tallyOf(chosenColumns(columns, without))).toMatchObject({ configure: 1, hook: 0 })
  })

  it('is told of an operation of some objects by their names', () => {
    expect(ids(columnsOfObjects(columns, [{ kind: 'Service', namespace: 'shop', name: 'service' }]))).toEqual([
      ['Sync 0', 'Service'],
    ])
    expect(columnsOfObjects(columns, [])).toEqual(columns)
  })
})

describe('the last operation is a dry run of what is chosen', () => {
  const own = ['CreateNamespace=true']
  const plain = { dryRun: true, prune: false, syncOptions: own }
  it.each([
    ['of the same', plain, choices([]), 'Succeeded', true],
    [
      'of the same with switches',
      { ...plain, prune: true, syncOptions: ['Replace=true', ...own] },
      choices(['prune', 'replace']),
      'Failed',
      true,
    ],
    ['without pruning', plain, choices(['prune']), 'Succeeded', false],
    ['with hooks', plain, choices(['skipHooks']), 'Succeeded', false],
    ['by force', { ...plain, syncStrategy: { hook: { force: true } } }, choices([]), 'Succeeded', false],
    ['that goes on', plain, choices([]), 'Running', false],
    ['that was none', { ...plain, dryRun: false }, choices([]), 'Succeeded', false],
  ] as const)('%s', (_, sync, chosen, phase, expected) => {
    const ran = { phase, operation: { sync: { ...sync, syncOptions: [...sync.syncOptions] } } }
    expect(isTrialOf(ran, operationOf(chosen, own), own)).toBe(expected)
  })
})

describe('what is asked for', () => {
  it('is nothing but a sync where nothing was chosen', () => {
    expect(requestOf(choices([]), ['CreateNamespace=true'], columns, false)).toEqual({})
    expect(commandOf('shop', choices([]), columns)).toBe('haori app sync shop')
  })

  it('keeps the options of the application beside chosen ones', () => {
    const body = requestOf(choices(['prune', 'replace']), ['CreateNamespace=true'], columns, true)
    expect(body).toEqual({
      prune: true,
      dryRun: true,
      syncOptions: { items: ['CreateNamespace=true', 'Replace=true'] },
    })
  })

  it('names ticked objects only where some are not', () => {
    const chosen = choices(['force'], ['/Secret/shop/secret'])
    expect(requestOf(chosen, [], columns, false)).toEqual({
      strategy: { hook: { force: true } },
      resources: [{ group: '', kind: 'Service', namespace: 'shop', name: 'service' }],
    })
    expect(commandOf('shop', chosen, columns)).toBe('haori app sync shop --force --resource :Service:shop/service')
  })

  it('leaves hooks out by the other strategy', () => {
    expect(operationOf(choices(['skipHooks'], [], 'v2'), [])).toEqual({ revision: 'v2', syncStrategy: { apply: {} } })
    expect(commandOf('shop', choices(['skipHooks'], [], 'v2'), columns, true)).toBe(
      'haori app sync shop --revision v2 --strategy apply --dry-run',
    )
  })
})
