import { describe, expect, it } from 'vitest'
import type { OperationState, ResultRow } from './operation'
import {
  type Action,
  columnsOf,
  fillIn,
  isRunning,
  type Plan,
  rowResult,
  tallyOf,
  trialTallyOf,
  wavesOf,
  withTrial,
} from './plan'
import { observe } from './spans'

const step = (name: string, action: Action, kind = 'ConfigMap') => ({
  ...{ group: '', kind, namespace: 'shop', name, action },
  ...{ hook: action === 'hook' ? 'PreSync' : null, needsApproval: false, differences: [] },
})
const row = (name: string, rest: Partial<ResultRow> = {}): ResultRow => ({
  ...{ group: '', kind: 'ConfigMap', namespace: 'shop', name, syncPhase: 'Sync', status: 'Synced' },
  ...rest,
})
const plan: Plan = {
  namespace: 'shop',
  waves: [
    { phase: 'PreSync', wave: 0, steps: [step('migrate', 'hook', 'Job')] },
    { phase: 'Sync', wave: 0, steps: [step('settings', 'configure'), step('banner', 'keep')] },
    { phase: 'Sync', wave: 1, steps: [step('old', 'prune')] },
  ],
  onFailure: [],
  refusals: [],
  invalid: [],
  skipped: [],
  dryRun: false,
  revision: 'abc',
}
const state = (phase: string, ...resources: ResultRow[]): OperationState => ({ phase, syncResult: { resources } })
const migrate = row('migrate', { kind: 'Job', syncPhase: 'PreSync', hookType: 'PreSync', hookPhase: 'Succeeded' })
const results = (phase: string, ...rows: ResultRow[]) =>
  fillIn(columnsOf(plan), state(phase, ...rows)).map((column) => [
    column.id,
    column.result,
    ...column.cells.map((cell) => `${cell.name} ${cell.result}`),
  ])

it('puts each wave into a column, the new namespace before all', () => {
  expect(columnsOf(plan).map((each) => each.id)).toEqual(['Namespace 0', 'PreSync 0', 'Sync 0', 'Sync 1'])
  expect(tallyOf(columnsOf(plan))).toEqual({ create: 1, configure: 1, prune: 1, hook: 1, keep: 1 })
})

describe('a running sync', () => {
  it('waits with what it has not reached', () => {
    const namespace = { ...row('shop', { kind: 'Namespace', syncPhase: 'PreSync' }), namespace: '' }
    expect(results('Running', namespace, migrate, row('settings', { hookPhase: 'Running' }))).toEqual([
      ['Namespace 0', 'done', 'shop done'],
      ['PreSync 0', 'done', 'migrate done'],
      ['Sync 0', 'running', 'settings running', 'banner waiting'],
      ['Sync 1', 'waiting', 'old waiting'],
    ])
  })

  it('that failed says what it never reached', () => {
    const failed = row('settings', { status: 'SyncFailed', message: 'immutable' })
    expect(results('Failed', migrate, failed).slice(2)).toEqual([
      ['Sync 0', 'failed', 'settings failed', 'banner done'],
      ['Sync 1', 'skipped', 'old skipped'],
    ])
  })

  it('shows objects that the plan does not know where the application has them, else in no wave', () => {
    const rows = [row('late'), row('lost'), row('mend', { syncPhase: 'SyncFail' })]
    const waves = wavesOf([{ kind: 'ConfigMap', namespace: 'shop', name: 'late', syncWave: 1 }])
    const columns = fillIn(columnsOf(plan), state('Running', ...rows), waves)
    expect(columns.map((each) => [each.id, ...each.cells.map((cell) => cell.name)]).slice(3)).toEqual([
      ['Sync 1', 'old', 'late'],
      ['Sync unknown', 'lost'],
      ['SyncFail unknown', 'mend'],
    ])
  })
})

it('is told whole by its results where no plan is known, in the waves that the application tells', () => {
  const waves = wavesOf([
    { ...migrate, syncWave: 3 },
    { ...row('crd'), syncWave: -1 },
    row('settings'),
    { ...row('web'), syncWave: 2 },
  ])
  const namespace = { ...row('shop', { kind: 'Namespace', syncPhase: 'PreSync' }), namespace: '' }
  const rows = [row('web'), row('settings'), row('crd'), row('gone', { status: 'Pruned' }), migrate, namespace]
  const columns = fillIn([], state('Succeeded', ...rows), waves)
  expect(columns.map((each) => [each.phase, each.wave, each.cells[0]?.name, each.result])).toEqual([
    ['Namespace', 0, 'shop', 'done'],
    ['PreSync', 3, 'migrate', 'done'],
    ['Sync', -1, 'crd', 'done'],
    ['Sync', 0, 'settings', 'done'],
    ['Sync', 2, 'web', 'done'],
    ['Sync', null, 'gone', 'done'],
  ])
})

it('has in its cells what a dry run of it found', () => {
  const refused = row('settings', { status: 'SyncFailed', message: 'immutable' })
  const columns = withTrial(columnsOf(plan), state('Failed', migrate, refused))
  expect(columns.flatMap((each) => each.cells.map((cell) => [cell.name, cell.result, cell.tried?.isAccepted]))).toEqual(
    [
      ['shop', 'planned', undefined],
      ['migrate', 'planned', true],
      ['settings', 'planned', false],
      ['banner', 'planned', undefined],
      ['old', 'planned', undefined],
    ],
  )
  expect(trialTallyOf(columns)).toEqual({ accepted: 1, refused: 1 })
})

describe('a result', () => {
  it.each([
    ['applied, not healthy yet', { hookPhase: 'Running' }, false, 'running'],
    ['applied, and the sync over', { hookPhase: 'Running' }, true, 'done'],
    ['a hook that was left running', { hookType: 'PostSync', hookPhase: 'Running' }, true, 'skipped'],
    ['a hook that failed', { hookType: 'PreSync', hookPhase: 'Failed' }, false, 'failed'],
    ['refused by the cluster', { status: 'SyncFailed' }, false, 'failed'],
    ['deleted', { status: 'Pruned' }, false, 'done'],
    ['kept although Git has it no longer', { status: 'PruneSkipped' }, true, 'kept'],
  ] as const)('%s', (_, rest, isOver, result) => expect(rowResult(row('x', rest), isOver)).toBe(result))
})

it.each([
  [undefined, false],
  [state('Running'), true],
  [state('Terminating'), true],
  [state('Failed'), false],
])('of %j goes on: %s', (given, goesOn) => expect(isRunning(given)).toBe(goesOn))

describe('the time of a wave', () => {
  const look = (...rows: ResultRow[]) => fillIn(columnsOf({ ...plan, namespace: null }), state('Running', ...rows))

  it('runs from its first result to its last', () => {
    const first = observe({}, look(), 1000, 0)
    const second = observe(first, look({ ...migrate, hookPhase: 'Running' }), 2000, 0)
    const third = observe(second, look(migrate), 5000, 0)
    expect(third['PreSync 0']).toEqual({ from: 2000, to: 5000 })
    expect(third['Sync 0']).toEqual({ from: null, to: null })
  })

  it('is not told where nobody saw it begin', () => {
    expect(observe({}, look(migrate), 1000, 0)['PreSync 0']).toBeUndefined()
  })

  it('begins with the sync where the first wave runs already', () => {
    const hooks = 'PreSync 0'
    const objects = 'Sync 0'
    const running = observe({}, look({ ...migrate, hookPhase: 'Running' }), 9000, 400)
    expect(running[hooks]).toEqual({ from: 400, to: null })
    const later = observe({}, look(migrate, row('settings', { hookPhase: 'Running' })), 9000, 400)
    expect(later[objects]).toBeUndefined()
  })

  it('is not told of a later try that was under way by the first look', () => {
    const running = observe({}, look({ ...migrate, hookPhase: 'Running' }), 9000, null)
    expect(running['PreSync 0']).toBeUndefined()
  })

  it('ends once', () => {
    const ended = observe(observe({}, look(), 1000, 400), look(migrate), 3000, 400)
    expect(observe(ended, look(migrate), 9000, 400)['PreSync 0']).toEqual({ from: 400, to: 3000 })
  })
})
