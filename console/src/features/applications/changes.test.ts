import { describe, expect, it } from 'vitest'
import { keyOf, type Listing } from './api'
import { mergeRows, movesRows, standingOf } from './changes'
import { row } from './testing'

const listing = (...names: string[]): Listing => ({
  items: names.map((name) => row({ name })),
  total: names.length,
  counts: {},
  groups: [],
  cursor: 'a.1',
})
const byKey = (...rows: ReturnType<typeof row>[]) => new Map(rows.map((each) => [keyOf(each), each]))

describe('rows that changed', () => {
  it('take the place of what was shown', () => {
    const merged = mergeRows(listing('a', 'b'), byKey(row({ name: 'b', health: 'Degraded' })))
    expect(merged.items.map((each) => each.health)).toEqual(['Healthy', 'Degraded'])
  })

  it('leave a page alone that has none of them', () => {
    const before = listing('a')
    expect(mergeRows(before, byKey(row({ name: 'z' })))).toBe(before)
  })
})

describe('what is in view is asked for again', () => {
  const known = () => new Map([[keyOf(row({})), standingOf(row({}))]])
  const told = (...changed: ReturnType<typeof row>[]) => ({ changed, removed: [], cursor: '' })

  it.each([
    ['for a new health', row({ health: 'Degraded' }), true],
    ['for a new label', row({ labels: { team: 'crm' } }), true],
    ['for a row nobody knows', row({ name: 'new' }), true],
    ['not for a row that was only looked at', row({ reconciledAt: '2026-11-26T09:00:00Z' }), false],
    ['not for new images', row({ images: ['web:2'] }), false],
  ])('%s', (_, changed, moves) => expect(movesRows(told(changed), known())).toBe(moves))

  it('for one that is gone', () => {
    expect(movesRows({ changed: [], removed: [['argocd', 'web']], cursor: '' }, known())).toBe(true)
  })

  it('once for each new health', () => {
    const standings = known()
    movesRows(told(row({ health: 'Degraded' })), standings)
    expect(movesRows(told(row({ health: 'Degraded' })), standings)).toBe(false)
  })
})
