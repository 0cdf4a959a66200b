import { expect, it } from 'vitest'
import { shortSize, shortTime } from './api'

it.each([
  [null, '–'],
  [0, '0'],
  [0.0000123, '12 µs'],
  [0.003, '3 ms'],
  [0.0025, '2.5 ms'],
  [0.0125, '13 ms'],
  [0.1, '100 ms'],
  [1.25, '1.3 s'],
  [240.4, '240 s'],
])('%s seconds are %s', (seconds, text) => expect(shortTime(seconds)).toBe(text))

it.each([
  [50 * 1024 ** 2, '50 MiB'],
  [3 * 1024 ** 3, '3.0 GiB'],
])('%s bytes are %s', (bytes, text) => expect(shortSize(bytes)).toBe(text))
