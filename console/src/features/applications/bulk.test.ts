import { describe, expect, it } from 'vitest'
import { commandOf, runAll } from './bulk'

const app = (name: string, namespace = 'argocd') => ({ name, namespace })
const plain = { prune: false, dryRun: false }

describe('the command', () => {
  it.each([
    ['sync', [app('web')], plain, 'haori app sync web', 'POST /api/v1/applications/web/sync'],
    ['sync', [app('a'), app('b')], { prune: true, dryRun: true }, 'haori app sync a b --prune --dry-run', 'NAME/sync'],
    ['refresh', [app('a')], { prune: true, dryRun: true }, 'haori app refresh a', 'GET /api/v1/applications/a?refresh'],
    ['refresh', [app('a'), app('b', 'team')], plain, 'haori app refresh a && haori app refresh b -N team', 'NAME'],
  ] as const)('to %s %j', (action, items, choice, cli, api) => {
    const command = commandOf(action, items, choice)
    expect(command.cli).toBe(cli)
    expect(command.api).toContain(api)
  })

  it('names no more than some', () => {
    const many = Array.from({ length: 20 }, (_, index) => app(`a${index}`))
    expect(commandOf('sync', many, plain).cli).toMatch(/a7 …$/)
  })
})

it('runs a few at a time and tells each outcome', async () => {
  const outcomes = new Map<string, unknown>()
  let running = 0
  let most = 0
  const one = async ({ name }: { name: string }) => {
    most = Math.max(most, ++running)
    await Promise.resolve()
    running--
    if (name === 'b') throw new Error('refused')
  }
  await runAll([app('a'), app('b'), app('c')], one, (key, outcome) => outcomes.set(key, outcome), 2)
  expect(most).toBe(2)
  expect([...outcomes].sort()).toEqual([
    ['argocd/a', null],
    ['argocd/b', new Error('refused')],
    ['argocd/c', null],
  ])
})
