import { expect, it } from 'vitest'
import { ApiError } from '@/shared/api/client'
import { checkToken, tokenField } from '../parts/token-form'
import { instantOf } from '../parts/token-list'
import { checkPassword, EMPTY, fieldOf, MOST_SECONDS, tokensOf } from './api'

it.each([
  ['0', ''],
  [undefined, ''],
  ['1700000000', '2023-11-14T22:13:20.000Z'],
  [1_700_000_000, '2023-11-14T22:13:20.000Z'],
])('%s seconds are %j', (seconds, instant) => expect(instantOf(seconds)).toBe(instant))

it('reads the tokens of an account that has none', () => {
  expect(tokensOf({ name: 'a', enabled: true, capabilities: null, tokens: null })).toEqual([])
})

it.each([
  ['nothing', EMPTY, true, ['currentPassword', 'newPassword']],
  ['two that differ', { ...EMPTY, newPassword: 'long enough', again: 'other' }, false, ['again']],
  ['what is right', { currentPassword: 'x', newPassword: 'long enough', again: 'long enough' }, true, []],
])('the check of a password finds in %s', (_, draft, isAsked, fields) => {
  const found = Object.entries(checkPassword(draft, isAsked)).filter(([, problem]) => problem)
  expect(found.map(([field]) => field)).toEqual(fields)
})

it('shows a wrong password at its own field', () => {
  expect(fieldOf(new ApiError(400, 'no', 'password-current-wrong'))).toBe('currentPassword')
  expect(fieldOf(new ApiError(400, 'no', 'password-too-weak'))).toBe('newPassword')
  expect(fieldOf(new ApiError(503, 'no', 'store-away'))).toBeUndefined()
})

it.each([
  ['applications:get', undefined],
  ['applications:sync:default/*\nprojects:get', undefined],
  ['', undefined],
  ['applications', 'problem-scope'],
  ['a:b c', 'problem-scope'],
])('the scopes %j have the problem %s', (scopes, problem) => {
  expect(checkToken({ name: 'ci', lasts: '', scopes }).scopes).toBe(problem)
})

it.each([
  ['366d', undefined],
  ['367d', 'problem-lasts'],
  ['soon', 'problem-duration'],
  ['', undefined],
])('of a token with scopes that lasts %j the problem is %s', (lasts, problem) => {
  expect(checkToken({ name: 'ci', lasts, scopes: '' }, MOST_SECONDS).lasts).toBe(problem)
})

it('bounds no other token', () => expect(checkToken({ name: 'ci', lasts: '4000d', scopes: '' }).lasts).toBeUndefined())

it.each([
  ['scopes-unknown', 'scopes'],
  ['scope-unreadable', 'scopes'],
  ['token-time-refused', 'lasts'],
  ['account-token-exists', 'name'],
  ['store-away', undefined],
])('the refusal %s of a token stands at %s', (code, field) => {
  expect(tokenField(new ApiError(400, 'no', code))).toBe(field)
})
