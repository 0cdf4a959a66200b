import { describe, expect, it } from 'vitest'
import type { Application } from '../model'
import { shop } from '../testing'
import {
  bodyOf,
  type Chosen,
  commandOf,
  hooksBeingLeft,
  imagesOf,
  operationOf,
  parseComparison,
  releaseBefore,
  releaseNamed,
} from './rollback'

const history = [
  { id: 3, revision: 'a' },
  { id: 4, revision: 'b' },
  { id: 5, revision: 'b' },
]
const state = (phase: string, revision: string) => ({ phase, syncResult: { revision } })
const pin = (revision: string, wanted: string[]) => ({ 'haori.dev/pin': JSON.stringify({ revision, wanted }) })

describe('the release before', () => {
  it.each<[string, Application, number | null]>([
    ['of another revision than the newest', shop({ history }), 3],
    ['the newest itself where the last try failed', shop({ history, operationState: state('Failed', 'c') }), 5],
    ['the newest itself where the last try is stuck', shop({ history, operationState: state('Running', 'c') }), 5],
    [
      'further back than a pin fled from',
      shop({ history: [...history, { id: 6, revision: 'a' }] }, {}, pin('a', ['b'])),
      null,
    ],
    ['none where there is but one', shop({ history: history.slice(1) }), null],
    ['none of nothing', shop(), null],
  ])('is %s', (_, application, id) => expect(releaseBefore(application)?.id ?? null).toBe(id))

  it.each([
    [null, null],
    ['4', 4],
    ['9', null],
    ['before', 3],
  ])('or the one that %s names', (named, id) => {
    expect(releaseNamed(shop({ history }), named)?.id ?? null).toBe(id)
  })
})

it('names hooks that ran, once, and no others', () => {
  const row = { group: 'batch', kind: 'Job', namespace: 'shop', name: 'migrate' }
  const resources = [
    { ...row, hookType: 'PreSync', hookPhase: 'Succeeded' },
    { ...row, hookType: 'PreSync', hookPhase: 'Failed' },
    { ...row, name: 'waits', hookType: 'PostSync' },
    { ...row, name: 'web', hookPhase: 'Running' },
  ]
  expect(hooksBeingLeft({ phase: 'Succeeded', syncResult: { resources } })).toEqual(['Job shop/migrate'])
})

describe('what is asked for', () => {
  const chosen: Chosen = { id: 4, way: 'pin', reason: '', duration: '', prune: false }
  it.each<[Partial<Chosen>, object, string]>([
    [{}, { id: 4 }, 'haori app rollback shop 4'],
    [
      { reason: "it's bad", duration: '2h', prune: true },
      { id: 4, reason: "it's bad", for: '2h', prune: true },
      "haori app rollback shop 4 --reason 'it'\\''s bad' --for 2h --prune",
    ],
    [{ way: 'git', duration: '2h', prune: true }, { id: 4, git: true }, 'haori app rollback shop 4 --git'],
  ])('%j', (some, body, command) => {
    expect(bodyOf({ ...chosen, ...some })).toEqual(body)
    expect(commandOf('shop', { ...chosen, ...some })).toBe(command)
  })

  it('is planned at its revisions', () => {
    expect(operationOf({ id: 1, revision: 'a' }, true)).toEqual({ revision: 'a', prune: true })
    expect(operationOf({ id: 1, revisions: ['a', 'b'] }, false)).toEqual({ revisions: ['a', 'b'], prune: false })
  })
})

it.each([
  [['a:2', 'b:1'], ['a:1', 'b:1'], { same: ['b:1'], came: ['a:2'] }],
  [['a:2'], null, { same: ['a:2'], came: [] }],
  [null, ['a:1'], { same: [], came: [] }],
])('of the images %j after %j', (images, before, found) => expect(imagesOf(images, before)).toEqual(found))

it.each([
  ['4..7', { from: 4, to: 7 }],
  ['4..now', { from: 4, to: null }],
  ['now..4', null],
  ['', null],
  [null, null],
])('%s compares %j', (text, found) => expect(parseComparison(text)).toEqual(found))
