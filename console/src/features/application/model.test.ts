import { describe, expect, it } from 'vitest'
import {
  type Application,
  automatedOf,
  conditionsBesideWhy,
  declaredBy,
  pinOf,
  policyName,
  revisionsOf,
  shortRevision,
  sourcesOf,
} from './model'
import { objectText, parseObjectText } from './objects'

const application = (
  annotations: Record<string, string> = {},
  spec: Partial<Application['spec']> = {},
): Application => ({
  metadata: { name: 'shop', namespace: 'argocd', annotations },
  spec: { destination: {}, ...spec },
})

describe('the pin', () => {
  it.each([
    ['absent', {}, null],
    ['broken', { 'haori.dev/pin': '{' }, null],
    ['of another shape', { 'haori.dev/pin': '"x"' }, null],
  ] as const)('%s', (_, annotations, pin) => expect(pinOf(application(annotations))).toBe(pin))

  it('is read with what is missing left empty', () => {
    const text = JSON.stringify({ id: 4, revision: 'abc', owner: 'aki', since: '2026-01-01T00:00:00Z' })
    expect(pinOf(application({ 'haori.dev/pin': text }))).toEqual({
      ...{ id: 4, revisions: ['abc'], owner: 'aki', reason: '', since: '2026-01-01T00:00:00Z', until: '', wanted: [] },
    })
  })
})

describe('who declares it', () => {
  const by = (id: string) => declaredBy(application({ 'argocd.argoproj.io/tracking-id': id }), 'argocd')
  it.each([
    ['', null],
    ['nonsense', null],
    ['wear:argoproj.io/Application:argocd/shop', { namespace: 'argocd', name: 'wear' }],
    ['team_wear:argoproj.io/Application:argocd/shop', { namespace: 'team', name: 'wear' }],
  ] as const)('%s', (id, owner) => expect(by(id)).toEqual(owner))
})

it.each([
  [undefined, null],
  [null, null],
  [{ enabled: false }, null],
  [{ prune: true }, { prune: true }],
])('automated %j counts as %j', (automated, found) => {
  expect(automatedOf(application({}, { syncPolicy: { automated } }))).toEqual(found)
})

it('prefers several sources to one', () => {
  const source = { repoURL: 'a' }
  expect(sourcesOf(application({}, { source }))).toEqual([source])
  expect(sourcesOf(application({}, { source, sources: [{ repoURL: 'b' }] }))).toEqual([{ repoURL: 'b' }])
  expect(sourcesOf(application())).toEqual([])
})

it('tells no condition that only repeats the reason', () => {
  const conditions = ['It names project x.', 'Something else.'].map((message) => ({
    type: 'InvalidSpecError',
    message,
  }))
  const status = { conditions, haori: { why: { text: 'It names project x.' } } }
  expect(conditionsBesideWhy({ ...application(), status })).toEqual(conditions.slice(1))
  expect(conditionsBesideWhy({ ...application(), status: { conditions } })).toEqual(conditions)
})

it.each([
  [undefined, []],
  [{ revision: 'a' }, ['a']],
  [{ revision: 'a', revisions: ['b', 'c'] }, ['b', 'c']],
])('%j has the revisions %j', (of, revisions) => expect(revisionsOf(of)).toEqual(revisions))

it.each([
  ['0123456789abcdef0123456789abcdef01234567', '0123456'],
  ['1.2.3-long-version', '1.2.3-long-version'],
])('%s is written %s', (revision, short) => expect(shortRevision(revision)).toBe(short))

it('is named for policies with its namespace only outside the control namespace', () => {
  expect(policyName(application(), 'argocd')).toBe('default/shop')
  expect(policyName(application({}, { project: 'team' }), 'control')).toBe('team/argocd/shop')
})

it.each(['Deployment shop/web', 'Namespace shop', 'Pod a/b-c.d'])('%s is read and written alike', (text) => {
  const found = parseObjectText(text)
  expect(found && objectText({ ...found, group: '' })).toBe(text)
})

it.each(['', 'shop', 'container web', 'Pod a/b/c'])('%j is no object', (text) =>
  expect(parseObjectText(text)).toBeNull(),
)
