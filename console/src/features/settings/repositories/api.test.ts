import { describe, expect, it } from 'vitest'
import { ApiError } from '@/shared/api/client'
import {
  addCommand,
  bodyOf,
  changeCommand,
  changesOf,
  check,
  type Draft,
  EMPTY,
  fieldOf,
  objectOf,
  repositoryOf,
} from './api'

const draft = (change: Partial<Draft>): Draft => ({ ...EMPTY, url: 'https://git.example/a.git', ...change })

describe('check', () => {
  it.each<[string, Partial<Draft>, Record<string, string>]>([
    ['an https URL', {}, {}],
    ['an scp-like place', { url: 'git@git.example:team/a.git' }, {}],
    ['no URL', { url: '' }, { url: 'problem-needed' }],
    ['a word for a URL', { url: 'shop' }, { url: 'problem-url' }],
    ['a registry', { url: 'registry.example/charts', type: 'oci' }, {}],
    ['a chart repository without a name', { type: 'helm' }, { name: 'problem-needed' }],
    ['a password without a user', { way: 'password', password: 'x' }, { username: 'problem-needed' }],
    ['a key that is none', { way: 'ssh', sshPrivateKey: 'abc' }, { sshPrivateKey: 'problem-key' }],
    ['no bearer token', { way: 'bearer' }, { bearerToken: 'problem-needed' }],
  ])('of %s', (_, change, problems) => {
    const found = Object.entries(check(draft(change))).filter(([, problem]) => problem)
    expect(Object.fromEntries(found)).toEqual(problems)
  })
})

describe('fieldOf', () => {
  it.each([
    ['git-url-plain-http', {}, 'url'],
    ['field-unusable', { field: 'repo' }, 'url'],
    ['field-unusable', { field: 'type' }, 'type'],
    ['server-failed', {}, undefined],
  ])('of %s %j is %s', (code, parameters, field) => {
    expect(fieldOf(new ApiError(400, 'no', code, '', parameters))).toBe(field)
  })
})

describe('bodyOf', () => {
  it('sends only the chosen way to sign in', () => {
    const body = bodyOf(draft({ way: 'bearer', bearerToken: 't', username: 'bot', password: 'old' }), 'repositories')
    expect(body).toEqual({ repo: 'https://git.example/a.git', type: 'git', bearerToken: 't' })
  })

  it('ends a key by a line break, without which ssh refuses it', () => {
    const body = bodyOf(draft({ way: 'ssh', sshPrivateKey: 'key' }), 'repositories')
    expect(body['sshPrivateKey']).toBe('key\n')
  })

  it('calls the URL of a template by its own name', () => {
    expect(bodyOf(draft({ project: 'x' }), 'credentials')).toEqual({ url: 'https://git.example/a.git', type: 'git' })
  })
})

describe('changesOf', () => {
  it('leaves alone what opens it where that is kept', () => {
    const body = changesOf(draft({ way: 'keep', username: 'bot', name: 'a' }), 'repositories')
    expect(body).toEqual({ repo: 'https://git.example/a.git', type: 'git', name: 'a', insecure: false })
  })

  it('takes away what opened it before', () => {
    const body = changesOf(draft({ way: 'bearer', bearerToken: 't', insecure: true, project: 'x' }), 'credentials')
    expect(body).toEqual({
      ...{ url: 'https://git.example/a.git', type: 'git', bearerToken: 't', insecure: true },
      ...{ username: null, password: null, sshPrivateKey: null },
    })
  })

  it('takes a name away that was emptied', () => {
    expect(changesOf(draft({ way: 'keep', name: '' }), 'repositories')).toMatchObject({ name: null })
  })

  it('has a command of ours where all is said anew', () => {
    expect(changeCommand(draft({ way: 'none' }), 'repositories')).toBe(
      'haori repo add https://git.example/a.git --upsert',
    )
    expect(changeCommand(draft({ way: 'keep' }), 'credentials')).toContain('secret-type=repo-creds')
  })
})

it('never writes a secret into the command', () => {
  const command = addCommand(draft({ way: 'password', username: 'bot', password: 'hunter2' }), 'credentials')
  expect(command).toBe('haori repo add https://git.example/a.git --template --username bot --password -')
})

it('reads what the API tells, whatever it calls the URL', () => {
  expect(repositoryOf({ repo: 'a', type: '' })).toMatchObject({ url: 'a', type: 'git', project: '' })
  expect(repositoryOf({ url: 'b' }).url).toBe('b')
})

it('names a repository of a project as policies do', () => {
  expect(objectOf({ project: '', url: 'u' })).toEqual(['u'])
  expect(objectOf({ project: 'p', url: 'u' })).toEqual(['p', 'u'])
})
