import { describe, expect, it } from 'vitest'
import type { Difference } from '../sync/plan'
import { findPlace, type Json, liveOf, parsePath } from './paths'
import { foldRows, partsOfPair, placeText, rowsOf, sidesOf } from './rows'
import { yamlOf } from './yaml'

const differs = (path: string, desired: unknown, live: unknown, manager = ''): Difference => ({
  ...{ path, desired, live, manager, masked: false },
})
const deployment = (): Json => ({
  kind: 'Deployment',
  metadata: { name: 'web', annotations: { 'shop.example/owner': 'aki' } },
  spec: { replicas: 2, containers: [{ name: 'log' }, { name: 'web', image: 'shop:2', args: ['-v', '-q'] }] },
})

describe('a path', () => {
  it.each([
    ['spec.replicas', [{ field: 'spec' }, { field: 'replicas' }]],
    ['data["limits.json"]', [{ field: 'data' }, { field: 'limits.json' }]],
    [
      'ports[containerPort=80,protocol=TCP].name',
      [{ field: 'ports' }, { keys: { containerPort: '80', protocol: 'TCP' } }, { field: 'name' }],
    ],
    ['finalizers[a.example/b]', [{ field: 'finalizers' }, { item: 'a.example/b' }]],
    ['args[1]', [{ field: 'args' }, { item: '1' }]],
    ['', []],
  ])('%s is read', (text, steps) => expect(parsePath(text)).toEqual(steps))

  it.each([
    ['spec.containers[name=web].image', ['spec', 'containers', 1, 'image']],
    ['spec.containers[name=web].args[1]', ['spec', 'containers', 1, 'args', 1]],
    ['spec.containers[name=web].args[-q]', ['spec', 'containers', 1, 'args', 1]],
    ['metadata.annotations["shop.example/owner"]', ['metadata', 'annotations', 'shop.example/owner']],
    ['spec.containers[name=gone].image', null],
    ['spec.replicas.deeper', null],
  ])('%s leads to %j', (path, place) => expect(findPlace(deployment(), parsePath(path))).toEqual(place))
})

describe('what is live', () => {
  const at = (path: string, live: unknown) => liveOf(deployment(), [differs(path, null, live)])
  it.each([
    ['another value', 'spec.replicas', 5, ['spec', 'replicas'], 5],
    ['a field that Git has not', 'spec.paused', true, ['spec', 'paused'], true],
    ['one below what Git has not', 'spec.strategy.type', 'Recreate', ['spec', 'strategy'], { type: 'Recreate' }],
    [
      'an item that Git has not',
      'spec.containers[name=side]',
      { name: 'side' },
      ['spec', 'containers', 2],
      { name: 'side' },
    ],
    [
      'a field of one',
      'spec.containers[name=side].image',
      'x',
      ['spec', 'containers', 2],
      { name: 'side', image: 'x' },
    ],
  ])('has %s', (_, path, live, place, value) => {
    let found: unknown = at(path, live)
    for (const step of place) found = (found as Record<string, unknown>)[step]
    expect(found).toEqual(value)
  })

  it.each([
    ['a field', 'spec.replicas', 'replicas'],
    ['an item', 'spec.containers[name=web]', '- name: web'],
    ['a member', 'spec.containers[name=web].args[-q]', '- -q'],
  ])('lacks %s that is not there', (_, path, text) => expect(yamlOf(at(path, null))).not.toContain(text))

  it('leaves the wanted object as it is', () => {
    const desired = deployment()
    liveOf(desired, [differs('spec.replicas', 2, 9)])
    expect(desired).toEqual(deployment())
  })
})

describe('YAML', () => {
  it.each<[string, Json, string]>([
    ['mappings and lists', { a: { b: [1, { c: true, d: [] }] } }, 'a:\n  b:\n  - 1\n  - c: true\n    d: []\n'],
    ['nothing', { a: null, b: {}, c: '' }, 'a: null\nb: {}\nc: ""\n'],
    [
      'texts that look like others',
      { a: '1', b: 'yes', c: '2024-01-01', d: '1:30', e: '0x1f', f: '~' },
      'a: "1"\nb: "yes"\nc: "2024-01-01"\nd: "1:30"\ne: "0x1f"\nf: "~"\n',
    ],
    [
      'marks inside texts',
      { a: 'b: c', d: 'e #f', g: '- h', i: '*j', k: '100m' },
      'a: "b: c"\nd: "e #f"\ng: "- h"\ni: "*j"\nk: 100m\n',
    ],
    [
      'blocks',
      { a: 'x\n  y\n', b: 'x\ny', c: 'x\n\ny\n\n' },
      'a: |\n  x\n    y\nb: |-\n  x\n  y\nc: |+\n  x\n\n  y\n\n',
    ],
    ['what no block can hold', { a: ' x\ny', b: 'x \ny', c: 'x\r\ny' }, 'a: " x\\ny"\nb: "x \\ny"\nc: "x\\r\\ny"\n'],
    ['odd names', { 'a b': 1, no: 2, 'x/y.z': 3 }, 'a b: 1\n"no": 2\nx/y.z: 3\n'],
    ['lists of lists', [[1, 2], [3]], '- - 1\n  - 2\n- - 3\n'],
  ])('writes %s', (_, value, text) => expect(yamlOf(value)).toBe(text))
})

describe('rows', () => {
  const differences = [differs('spec.containers[name=web].image', 'shop:2', 'shop:1', 'kubectl-edit')]
  const rows = rowsOf({ desired: deployment(), live: {}, differences })
  const changed = rows.filter((row) => row.isChanged)

  it('show what is live beside what is wanted, with whose the field is', () => {
    expect(changed.map((row) => [row.left?.text, row.right?.text])).toEqual([
      ['    image: shop:1', '    image: shop:2'],
    ])
    expect(changed[0]?.differences[0]?.manager).toBe('kubectl-edit')
  })

  it('of an object compared with itself change nothing', () => {
    expect(rowsOf({ desired: deployment(), live: {}, differences: [] }).some((row) => row.isChanged)).toBe(false)
  })

  it('of a missing object are all new, of one that is not in Git all gone', () => {
    const missing = rowsOf({ desired: deployment(), live: null, differences: [] })
    expect(missing.every((row) => row.left === null && row.isChanged)).toBe(true)
    const live: Json = { kind: 'X', metadata: { name: 'x', uid: 'u', managedFields: [] }, status: { ok: true } }
    const extra = rowsOf({ desired: null, live, differences: [] })
    expect(extra.map((row) => row.left?.text)).toEqual(['kind: X', 'metadata:', '  name: x'])
  })

  it('of two releases show both as they are', () => {
    const [live, desired]: Json[] = [
      { kind: 'X', a: 1 },
      { kind: 'X', a: 2 },
    ]
    const both = rowsOf({ live: live ?? null, desired: desired ?? null, differences: null })
    expect(both.filter((row) => row.isChanged).map((row) => [row.left?.text, row.right?.text])).toEqual([
      ['a: 1', 'a: 2'],
    ])
  })

  it('are numbered on each side', () => {
    expect([changed[0]?.left?.number, changed[0]?.right?.number]).toEqual([11, 11])
  })

  it('are folded away from changes, but not a line or two', () => {
    const blocks = foldRows(rows, 1)
    expect(blocks.map((block) => [block.isFold, block.rows.length])).toEqual([
      [true, 9],
      [false, 3],
      [false, 2],
    ])
    expect(blocks[0]?.isFold && blocks[0].until).toBe('spec.containers[1].name')
    expect(foldRows(rows, Number.POSITIVE_INFINITY)).toHaveLength(1)
  })
})

it('writes places', () => expect(placeText(['spec', 'containers', 1, 'image'])).toBe('spec.containers[1].image'))

it('marks what changed within a line', () => {
  const { left, right } = partsOfPair('image: shop:1.0', 'image: shop:2.0')
  const marked = (parts: typeof left) => parts.filter((part) => part.isChanged).map((part) => part.text)
  expect([marked(left), marked(right)]).toEqual([['1'], ['2']])
  expect(left.map((part) => part.text).join('')).toBe('image: shop:1.0')
})

it('shows nothing left of what is missing', () => {
  expect(sidesOf({ desired: null, live: null, differences: [] })).toEqual({ left: null, right: null })
})
