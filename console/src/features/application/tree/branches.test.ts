import { describe, expect, it } from 'vitest'
import type { Node } from '../nodes'
import { type Branch, buildTree, isUnwell, worstOf } from './branches'
import { sample, samplePlatform } from './samples'

const app = { namespace: 'argocd', name: 'shop' }
const outline = (branch: Branch): unknown =>
  branch.children.length ? { [branch.label]: branch.children.map(outline) } : branch.label
const tree = (...args: Parameters<typeof buildTree> extends [unknown, ...infer Rest] ? Rest : never) =>
  outline(buildTree(app, ...args).root)

const web = sample('Deployment', 'web')
const old = sample('ReplicaSet', 'web-a', { parents: ['web'], createdAt: '2026-01-01T00:00:00Z' })
const current = sample('ReplicaSet', 'web-b', { parents: ['web'], createdAt: '2026-02-01T00:00:00Z' })
const pod = sample('Pod', 'web-b-1', { parents: ['web-b'], health: { status: 'Degraded' } })
const config = sample('ConfigMap', 'settings')

describe('buildTree', () => {
  it('hangs objects below their owners, the newest release first', () => {
    const expected = { shop: ['settings', { web: [{ 'web-b': ['web-b-1'] }, 'web-a'] }] }
    expect(tree([pod, old, current, web, config], null)).toEqual(expected)
    expect(tree([config, web, current, old, pod], null)).toEqual(expected)
  })

  it('counts what is not well, all the way up', () => {
    const { root } = buildTree(app, [pod, old, current, web, config], null)
    expect([root.size, root.unwell]).toEqual([5, 1])
    expect(root.children.map((each) => [each.label, each.unwell, each.worst])).toEqual([
      ['settings', 0, 'Healthy'],
      ['web', 1, 'Degraded'],
    ])
  })

  it('does not lose objects that own each other', () => {
    const a = sample('Thing', 'a', { parents: ['b'] })
    const b = sample('Thing', 'b', { parents: ['a'] })
    expect(tree([a, b], null)).toEqual({ shop: [{ a: ['b'] }] })
  })

  it('gathers many leaves of one kind', () => {
    const pods = Array.from({ length: 13 }, (_, index) => sample('Pod', `p${index}`, { parents: ['web'] }))
    const { root } = buildTree(app, [web, ...pods], null)
    expect(root.children[0]?.children.map((each) => [each.type, each.label, each.size])).toEqual([['group', 'Pod', 13]])
    expect(buildTree(app, [web, ...pods.slice(1)], null).root.children[0]?.children).toHaveLength(12)
  })

  it('says of the application what it says of itself', () => {
    expect(buildTree(app, [pod], null, { health: 'Progressing' }).root.worst).toBe('Progressing')
  })

  describe('while it is read', () => {
    const podsOf = (count: number) =>
      Array.from({ length: count }, (_, index) => sample('Pod', `p${index}`, { parents: ['web'] }))
    const below = (count: number, known: ReturnType<typeof buildTree>['gatherings'], more: Node[] = []) =>
      buildTree(app, [web, ...podsOf(count), ...more], null, { known }).root.children[0]?.children ?? []

    it('gathers nothing that was apart, however many it becomes', () => {
      const { gatherings } = buildTree(app, [web, ...podsOf(4)], null)
      expect(below(13, gatherings)).toEqual(buildTree(app, [web, ...podsOf(13)], 'none').root.children[0]?.children)
    })

    it('keeps a group, however few are left of it, and whatever comes beside it', () => {
      const { gatherings } = buildTree(app, [web, ...podsOf(13)], null)
      const job = sample('Job', 'backup', { parents: ['web'] })
      expect(below(2, gatherings, [job]).map((each) => [each.type, each.label, each.size])).toEqual([
        ['node', 'backup', 1],
        ['group', 'Pod', 2],
      ])
    })

    it('decides about what has no children when it has some', () => {
      const { gatherings } = buildTree(app, [web], null)
      expect(below(13, gatherings).map((each) => each.type)).toEqual(['group'])
    })

    it('does not gather an application that becomes large, nor take apart one that was', () => {
      const small = buildTree(app, samplePlatform(60), null)
      expect(small.root.children).toHaveLength(60)
      const grown = buildTree(app, samplePlatform(61), null, { known: small.gatherings })
      expect(grown.root.children).toHaveLength(61)
      const large = buildTree(app, samplePlatform(61), null)
      const shrunk = buildTree(app, samplePlatform(60), null, { known: large.gatherings })
      expect(shrunk.root.children.map((each) => [each.type, each.size])).toEqual([['group', 300]])
    })
  })

  it('gathers nothing at all where that is chosen', () => {
    const pods = Array.from({ length: 40 }, (_, index) => sample('Pod', `p${index}`, { parents: ['web'] }))
    const { root, gatherings } = buildTree(app, [web, ...pods], 'none')
    expect(root.children[0]?.children).toHaveLength(40)
    expect(gatherings.size).toBe(0)
  })

  it.each([
    ['kind', { shop: [{ Deployment: ['api', 'web'] }, { Job: ['migrate'] }] }],
    ['wave', { shop: [{ 0: ['api', 'web'] }, { '-1': ['migrate'] }] }],
    ['health', { shop: [{ Healthy: ['api', 'migrate'] }, { Degraded: ['web'] }] }],
    ['none', { shop: ['api', 'web', 'migrate'] }],
  ] as const)('gathers by %s', (fold, expected) => {
    const nodes = [
      sample('Deployment', 'web', { health: { status: 'Degraded' } }),
      sample('Deployment', 'api'),
      sample('Job', 'migrate', { wave: -1 }),
    ]
    expect(tree(nodes, fold)).toEqual(expected)
  })

  it('shows an application in an application, and one that contains itself once', () => {
    const child = sample('Application', 'child', { group: 'argoproj.io', namespace: 'argocd' })
    const self = sample('Application', 'shop', { group: 'argoproj.io', namespace: 'argocd' })
    const [id, selfId] = ['argoproj.io/Application/argocd/child', 'argoproj.io/Application/argocd/shop']
    const { root } = buildTree(app, [child, self], null, {
      opened: new Map([
        [id, [config]],
        [selfId, [child]],
      ]),
    })
    expect(outline(root)).toEqual({ shop: [{ child: ['settings'] }, 'shop'] })
    expect(root.children[0]?.children[0]).toMatchObject({
      id: 'argocd/child~/ConfigMap/shop/settings',
      app: { namespace: 'argocd', name: 'child' },
    })
  })

  it('gathers a large application by kind', () => {
    const { root } = buildTree(app, samplePlatform(61), null)
    expect(root.children.map((each) => [each.label, each.size])).toEqual([['Deployment', 305]])
  })
})

it.each([
  [{}, false],
  [{ health: null }, false],
  [{ sync: 'OutOfSync' }, true],
  [{ uid: '' }, true],
  [{ terminating: true }, true],
  [{ health: { status: 'Progressing' } }, true],
])('%j is unwell: %s', (over, is) => expect(isUnwell(sample('Pod', 'p', over))).toBe(is))

it.each([
  [['Healthy', 'Progressing'], 'Progressing'],
  [['Suspended', null, 'Degraded'], 'Degraded'],
  [['SomethingNew'], 'Unknown'],
  [[], 'Healthy'],
])('the worst of %j is %s', (words, worst) => expect(worstOf(words)).toBe(worst))
