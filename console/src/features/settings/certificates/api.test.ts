import { describe, expect, it } from 'vitest'
import { ApiError } from '@/shared/api/client'
import { bodyOf, check, EMPTY, fieldOf, queryOf } from './api'

const KEY = 'git.example,10.0.0.1 ssh-ed25519 AAAAC3Nz comment'

describe('check', () => {
  it.each([
    ['a host key', { lines: `# ours\n${KEY}\n` }, {}],
    ['no line', { lines: '' }, { lines: 'problem-host-key' }],
    ['half a line', { lines: 'git.example ssh-ed25519' }, { lines: 'problem-host-key' }],
    [
      'a certificate without a host',
      { kind: 'https' as const, pem: '-----BEGIN CERTIFICATE-----\na\n-----END' },
      { host: 'problem-needed' },
    ],
    ['a certificate that is none', { kind: 'https' as const, host: 'a', pem: 'x' }, { pem: 'problem-certificate' }],
  ])('of %s', (_, change, problems) => {
    const found = Object.entries(check({ ...EMPTY, ...change })).filter(([, problem]) => problem)
    expect(Object.fromEntries(found)).toEqual(problems)
  })
})

it('sends one host key for each host of a line', () => {
  expect(bodyOf({ ...EMPTY, lines: KEY }).items).toEqual([
    { serverName: 'git.example', certType: 'ssh', certSubType: 'ssh-ed25519', certData: btoa('AAAAC3Nz') },
    { serverName: '10.0.0.1', certType: 'ssh', certSubType: 'ssh-ed25519', certData: btoa('AAAAC3Nz') },
  ])
})

it('sends a certificate as bytes', () => {
  expect(bodyOf({ ...EMPTY, kind: 'https', host: 'git.example', pem: 'PEM' }).items).toEqual([
    { serverName: 'git.example', certType: 'https', certData: btoa('PEM') },
  ])
})

it('shows what the server could not read at the field it stands in', () => {
  const error = new ApiError(400, 'no', 'certificate-unreadable')
  expect(fieldOf(EMPTY)(error)).toBe('lines')
  expect(fieldOf({ ...EMPTY, kind: 'https' })(error)).toBe('pem')
})

it('deletes one kind of key, not all of the host', () => {
  const key = { serverName: 'a', certType: 'ssh' as const, certSubType: 'ssh-rsa', certInfo: '' }
  expect(queryOf(key)).toEqual({ hostNamePattern: 'a', certType: 'ssh', certSubType: 'ssh-rsa' })
})
