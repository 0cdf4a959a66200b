/** What needs what, seen from either end. Pure. */

export type Way = 'volume' | 'environment' | 'account' | 'registry' | 'target' | 'backend' | 'certificate'
export type State = 'here' | 'elsewhere' | 'missing' | 'unknown'

export interface Named {
  uid: string
  kind: string
  namespace: string
  name: string
}

export interface Need extends Named {
  ways: Way[]
  optional: boolean
  state: State
}

export interface User extends Named {
  needs: Need[]
}

export interface Needed {
  need: Need
  users: (Named & { ways: Way[] })[]
}

export function keyOf({ kind, namespace, name }: Named): string {
  return `${kind}/${namespace}/${name}`
}

/** Whether something cannot work without it, and it is not there. */
export function isLacking({ state, optional }: Need): boolean {
  return state === 'missing' && !optional
}

/** What is needed, each with those that need it; what is lacking first, then by kind and name. */
export function neededOf(users: readonly User[]): Needed[] {
  const found = new Map<string, Needed>()
  for (const { needs, ...user } of users) {
    for (const need of needs) {
      const known = found.get(keyOf(need)) ?? { need, users: [] }
      // Who cannot do without it counts more than who can.
      const stricter = known.need.optional && !need.optional ? need : known.need
      found.set(keyOf(need), { need: stricter, users: [...known.users, { ...user, ways: need.ways }] })
    }
  }
  const rank = ({ need }: Needed) => `${isLacking(need) ? 0 : 1} ${keyOf(need)}`
  return [...found.values()].sort((a, b) => rank(a).localeCompare(rank(b)))
}

/** Those that need something, who lack something first. */
export function usersOf(users: readonly User[]): User[] {
  const rank = (user: User) => `${user.needs.some(isLacking) ? 0 : 1} ${keyOf(user)}`
  return [...users].sort((a, b) => rank(a).localeCompare(rank(b)))
}
