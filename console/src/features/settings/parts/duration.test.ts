import { expect, it } from 'vitest'
import { secondsOf } from './duration'

it.each([
  ['', 0],
  ['12h', 43_200],
  [' 30 d ', 2_592_000],
  ['45m', 2700],
  ['1w', undefined],
  ['-1d', undefined],
  ['soon', undefined],
])('%j is %s seconds', (text, seconds) => expect(secondsOf(text)).toBe(seconds))
