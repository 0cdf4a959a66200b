import { expect, it } from 'vitest'
import { isLacking, type Need, neededOf, type User, usersOf } from './needs'

const need = (name: string, over: Partial<Need> = {}): Need => ({
  ...{ uid: '', kind: 'Secret', namespace: 'shop', name, ways: ['environment'], optional: false, state: 'here' },
  ...over,
})
const user = (name: string, ...needs: Need[]): User => ({
  uid: name,
  kind: 'Deployment',
  namespace: 'shop',
  name,
  needs,
})

it.each([
  [{ state: 'missing' }, true],
  [{ state: 'missing', optional: true }, false],
  [{ state: 'elsewhere' }, false],
  [{ state: 'unknown' }, false],
] as const)('%j lacks: %s', (over, lacks) => expect(isLacking(need('a', over))).toBe(lacks))

it('turns round who needs what, with what is lacking first', () => {
  const users = [
    user('api', need('a'), need('db', { state: 'missing', optional: true })),
    user('web', need('a', { ways: ['volume'] }), need('db', { state: 'missing' })),
  ]
  const turned = neededOf(users).map((each) => [each.need.name, each.users.map((one) => `${one.name} ${one.ways}`)])
  expect(turned).toEqual([
    ['db', ['api environment', 'web environment']],
    ['a', ['api environment', 'web volume']],
  ])
  expect(isLacking(neededOf(users)[0]?.need as Need)).toBe(true)
  expect(usersOf(users).map((each) => each.name)).toEqual(['web', 'api'])
})
