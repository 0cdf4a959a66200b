import { describe, expect, it } from 'vitest'
import {
  check,
  checkRole,
  declaredBy,
  draftOf,
  EMPTY,
  EMPTY_ROLE,
  type Project,
  specOf,
  tokensOf,
  withRole,
} from './api'

const project: Project = {
  metadata: { name: 'shop' },
  spec: {
    sourceRepos: ['https://git.example/shop.git', '!https://git.example/secret.git'],
    destinations: [
      { server: 'https://edge:6443', namespace: 'shop' },
      { name: 'in-cluster', namespace: 'shop-*' },
      { server: '*', namespace: '!kube-system' },
    ],
    clusterResourceWhitelist: [
      { group: '', kind: 'Namespace' },
      { group: 'rbac.authorization.k8s.io', kind: '*' },
    ],
    syncWindows: [{ kind: 'deny' }],
    roles: [{ name: 'ci', policies: [], jwtTokens: [{ iat: 1 }] }],
  },
}

it('reads and writes a project without a change', () => {
  expect(specOf(draftOf(project), project.spec)).toEqual(project.spec)
})

it('does not set a list that was never set: an empty one would mean something else', () => {
  expect(specOf({ ...EMPTY, name: 'a' }, {})).toEqual({ sourceRepos: [], destinations: [] })
})

it('empties a list that was set', () => {
  const spec = specOf({ ...draftOf(project), clusterResourceWhitelist: '' }, project.spec)
  expect(spec.clusterResourceWhitelist).toEqual([])
})

describe('check', () => {
  it.each([
    ['a good draft', { name: 'a', destinations: '* *\nedge shop' }, []],
    ['a name in capitals', { name: 'Shop' }, ['name']],
    ['a cluster without a namespace', { name: 'a', destinations: 'edge' }, ['destinations']],
    ['a kind without a group', { name: 'a', clusterResourceWhitelist: 'Namespace' }, ['clusterResourceWhitelist']],
    ['a kind with a name', { name: 'a', clusterResourceWhitelist: '- Namespace shop' }, []],
  ])('of %s', (_, change, fields) => {
    const found = Object.entries(check({ ...EMPTY, ...change })).filter(([, problem]) => problem)
    expect(found.map(([field]) => field)).toEqual(fields)
  })
})

describe('a role', () => {
  it.each([
    ['p, proj:shop:ci, applications, sync, shop/*, allow', undefined],
    ['p, proj:other:ci, applications, sync, shop/*, allow', 'problem-policy'],
    ['p, proj:shop:ci, applications', 'problem-policy'],
    ['g, me, role:admin', 'problem-policy'],
  ])('with %s has the problem %s', (policies, problem) => {
    expect(checkRole({ ...EMPTY_ROLE, name: 'ci', policies }, 'shop').policies).toBe(problem)
  })

  it('that changes keeps its tokens', () => {
    const spec = withRole(project.spec, 'ci', { ...EMPTY_ROLE, name: 'ci', groups: 'team' })
    expect(spec.roles).toEqual([
      { name: 'ci', description: '', policies: [], groups: ['team'], jwtTokens: [{ iat: 1 }] },
    ])
  })

  it('is added and taken away', () => {
    const more = withRole(project.spec, '', { ...EMPTY_ROLE, name: 'ops' })
    expect(more.roles?.map((each) => each.name)).toEqual(['ci', 'ops'])
    expect(withRole(more, 'ci', null).roles?.map((each) => each.name)).toEqual(['ops'])
  })
})

it('tells which application declares a project', () => {
  const annotations = { 'argocd.argoproj.io/tracking-id': 'admin:argoproj.io/AppProject:argocd/shop' }
  expect(declaredBy({ ...project, metadata: { name: 'shop', annotations } })).toBe('admin')
  expect(declaredBy(project)).toBe('')
})

it('lists a token once, wherever the project names it', () => {
  const role = { name: 'ci', jwtTokens: [{ id: 'a', iat: 1 }] }
  const items = [
    { id: 'a', iat: 1 },
    { id: 'b', iat: 2, exp: 3 },
  ]
  const tokens = tokensOf({ ...project, status: { jwtTokensByRole: { ci: { items } } } }, role)
  expect(tokens.map((each) => [each.id, each.issuedAt, each.expiresAt])).toEqual([
    ['a', '1970-01-01T00:00:01.000Z', ''],
    ['b', '1970-01-01T00:00:02.000Z', '1970-01-01T00:00:03.000Z'],
  ])
})
