import { expect, it } from 'vitest'
import { exportUrl, filtersOf, queryOf } from './api'

const filters = (text: string) => filtersOf(new URLSearchParams(text))

it('reads the filters of an address and nothing else', () => {
  expect(filters('actor=admin&evil=1')).toEqual({
    actor: 'admin',
    action: '',
    object: '',
    project: '',
    outcome: '',
    from: '',
    to: '',
  })
})

it('asks by moments, whatever zone the reader is in', () => {
  const from = queryOf(filters('from=2026-11-26T12:00'))['from']
  expect(from).toBe(new Date(2026, 10, 26, 12).toISOString())
  expect(queryOf(filters('from=yesterday'))['from']).toBe('')
})

it('exports what is shown', () => {
  expect(exportUrl(filters('actor=a%20b&outcome=refused'), 'csv')).toBe(
    '/api/haori/v1/audit/export?actor=a+b&outcome=refused&format=csv',
  )
})
