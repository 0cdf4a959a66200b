import { expect, it } from 'vitest'
import { nextLimit, queryOf, readState, writeState } from './state'

const read = (text: string) => readState(new URLSearchParams(text))

it.each([
  ['', ''],
  ['q=web+shop&kind=Pod&health=Degraded', 'q=web+shop&kind=Pod&health=Degraded'],
  ['q=+&limit=20', ''],
  ['q=a&limit=100000', 'q=a&limit=500'],
])('%j is kept as %j', (text, kept) => expect(writeState(read(text)).toString()).toBe(kept))

it('asks nothing while there is nothing to look for', () => {
  expect(queryOf(read('limit=200'))).toBeNull()
  expect(queryOf(read('health=Missing'))).toMatchObject({ health: 'Missing', limit: 50 })
})

it.each([
  [50, 50, 50, null],
  [50, 51, 50, 200],
  [200, 999, 200, 500],
  [500, 999, 500, null],
])('%i of %i shown with a limit of %i: next %j', (shown, total, limit, next) =>
  expect(nextLimit(shown, total, limit)).toBe(next),
)
