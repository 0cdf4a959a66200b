import { expect, it } from 'vitest'
import { codeOf, destinationOf } from './api'

it.each([
  ['#code=abc', 'abc'],
  ['', null],
  ['#other=1', null],
])('the code of %s is %s', (fragment, code) => expect(codeOf(fragment)).toBe(code))

it.each([
  ['?to=%2Fapplications%3Fsync%3DOutOfSync', '/applications?sync=OutOfSync'],
  ['', '/'],
  ['?to=https%3A%2F%2Fevil.example', '/'],
  ['?to=%2F%2Fevil.example', '/'],
  ['?to=%2F%5Cevil.example', '/'],
  ['?to=%2F%09%2Fevil.example', '/'],
  ['?to=%2F%2F%5B', '/'],
])('after signing in by %s one goes to %s', (query, place) => expect(destinationOf(query)).toBe(place))
