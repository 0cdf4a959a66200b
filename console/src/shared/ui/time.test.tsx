import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { Ago, unitOf } from './time'

it.each([
  [3, null],
  [42, ['seconds', 42]],
  [61, ['minutes', 1]],
  [3600 * 5, ['hours', 5]],
  [86_400 * 3.5, ['days', 3]],
])('%s seconds have the unit %s', (seconds, unit) => expect(unitOf(seconds)).toEqual(unit))

it('shows a dash for what never happened', () => {
  render(<Ago at="" />)
  expect(screen.getByText('–')).toBeVisible()
})

it('has the exact time for machines', () => {
  const at = new Date(Date.now() - 120_000).toISOString()
  render(<Ago at={at} />)
  expect(screen.getByText('2 min ago')).toHaveAttribute('datetime', at)
})
