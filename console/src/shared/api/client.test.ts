import { afterEach, describe, expect, it, vi } from 'vitest'
import { ApiError, ask, pathOf, urlOf } from './client'

afterEach(() => vi.unstubAllGlobals())
const answer = (status: number, body: string) => vi.stubGlobal('fetch', async () => new Response(body, { status }))

describe('urlOf', () => {
  it.each([
    ['nothing', {}, '/x'],
    ['a word', { search: 'a b&c' }, '/x?search=a+b%26c'],
    ['a list', { health: ['Degraded', 'Missing'] }, '/x?health=Degraded&health=Missing'],
    ['what is empty', { a: '', b: undefined, c: false, page: 0 }, '/x?page=0'],
  ] as const)('writes %s', (_, query, url) => expect(urlOf('/x', query)).toBe(url))
})

it('encodes slashes inside a segment', () => {
  expect(pathOf('/api/v1/repositories', 'https://git/x.git')).toBe('/api/v1/repositories/https%3A%2F%2Fgit%2Fx.git')
})

describe('a refusal', () => {
  it('says what the server said, with its hint', async () => {
    answer(
      403,
      JSON.stringify({
        message: 'no',
        haori: { code: 'not-permitted', hint: 'ask for it', parameters: { field: 'a' } },
      }),
    )
    const error = await ask('/x').catch((each: unknown) => each)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 403, message: 'no', code: 'not-permitted', hint: 'ask for it' })
    expect(error).toMatchObject({ parameters: { field: 'a' } })
  })

  it('of a proxy is cut and kept', async () => {
    answer(502, `<html>${'x'.repeat(1000)}`)
    const error = (await ask('/x').catch((each: unknown) => each)) as ApiError
    expect([error.status, error.message.length]).toEqual([502, 300])
  })
})

it('tells a server that is not there by status 0', async () => {
  vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('refused')))
  await expect(ask('/x')).rejects.toMatchObject({ status: 0, message: 'refused' })
})

it('gives undefined for an empty answer', async () => {
  answer(200, '')
  expect(await ask('/x')).toBeUndefined()
})
