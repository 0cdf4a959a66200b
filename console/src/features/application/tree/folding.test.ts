import { describe, expect, it } from 'vitest'
import { buildTree } from './branches'
import { decideFolds, rowsOf, stepOf } from './folding'
import { sample, samplePlatform } from './samples'

const app = { namespace: 'argocd', name: 'shop' }
const small = [
  sample('Deployment', 'web'),
  sample('ReplicaSet', 'rs', { parents: ['web'] }),
  sample('Pod', 'pod', { parents: ['rs'] }),
  sample('Service', 'web-svc'),
]
const shown = (nodes: typeof small, folds = new Map<string, boolean>()) =>
  rowsOf(buildTree(app, nodes, 'none').root, folds, null).map((row) => row.branch.label)

describe('decideFolds', () => {
  it('leaves a small tree open', () => {
    const { root } = buildTree(app, small, 'none')
    expect([...decideFolds(root, new Map()).values()]).toEqual([true, true, true])
  })

  it('closes what is well in a large one, and leaves open what is not', () => {
    const nodes = samplePlatform(20).map((node) =>
      node.name === 'web-00003-rs-2' ? { ...node, health: { status: 'Degraded' } } : node,
    )
    const { root } = buildTree(app, nodes, 'none')
    const rows = rowsOf(root, decideFolds(root, new Map()), null)
    expect(rows.filter((row) => row.isOpen).map((row) => row.branch.label)).toEqual([
      'shop',
      'web-00003',
      'web-00003-rs',
    ])
  })

  it('never takes a decision back', () => {
    const well = buildTree(app, samplePlatform(20), 'none').root
    const folds = decideFolds(well, new Map())
    const ill = samplePlatform(20).map((node) => ({ ...node, health: { status: 'Degraded' } }))
    expect(decideFolds(buildTree(app, ill, 'none').root, folds)).toBe(folds)
  })
})

describe('rowsOf', () => {
  it('lists owners before what they own', () => {
    expect(shown(small)).toEqual(['shop', 'web', 'rs', 'pod', 'web-svc'])
  })

  it('leaves out what is closed', () => {
    expect(shown(small, new Map([['/Deployment/shop/web', false]]))).toEqual(['shop', 'web', 'web-svc'])
  })

  it('opens the way to a match, whatever is closed, and tells it from the match', () => {
    const { root } = buildTree(app, small, 'none')
    const rows = rowsOf(root, new Map([['/Deployment/shop/web', false]]), (node) => node.kind === 'Pod')
    expect(rows.map((row) => [row.branch.label, row.isMatch])).toEqual([
      ['shop', true],
      ['web', false],
      ['rs', false],
      ['pod', true],
    ])
  })
})

describe('stepOf', () => {
  const rows = rowsOf(buildTree(app, small, 'none').root, new Map([['/ReplicaSet/shop/rs', false]]), null)
  // shop, web, rs (closed), web-svc
  it.each([
    ['ArrowDown', 0, { type: 'focus', index: 1 }],
    ['ArrowDown', 3, null],
    ['ArrowUp', 3, { type: 'focus', index: 2 }],
    ['ArrowUp', 0, null],
    ['ArrowRight', 2, { type: 'open', id: '/ReplicaSet/shop/rs' }],
    ['ArrowRight', 1, { type: 'focus', index: 2 }],
    ['ArrowRight', 3, null],
    ['ArrowLeft', 1, { type: 'close', id: '/Deployment/shop/web' }],
    ['ArrowLeft', 2, { type: 'focus', index: 1 }],
    ['ArrowLeft', 3, { type: 'focus', index: 0 }],
    ['Home', 3, { type: 'focus', index: 0 }],
    ['End', 0, { type: 'focus', index: 3 }],
    ['x', 0, null],
  ] as const)('%s at %i', (key, at, step) => expect(stepOf(key, rows, at)).toEqual(step))
})
