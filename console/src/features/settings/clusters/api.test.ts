import { describe, expect, it } from 'vitest'
import { bodyOf, changesOf, check, type Draft, EMPTY } from './api'

const PEM = '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n'
const draft = (change: Partial<Draft>): Draft => ({
  ...EMPTY,
  server: 'https://edge:6443',
  name: 'edge',
  bearerToken: 't',
  ...change,
})

describe('check', () => {
  it.each<[string, Partial<Draft>, string[]]>([
    ['a whole draft', {}, []],
    ['plain http', { server: 'http://edge' }, ['server']],
    ['no name', { name: '' }, ['name']],
    ['a token that lacks', { bearerToken: '' }, ['bearerToken']],
    ['a certificate without its key', { way: 'certificate', certData: PEM }, ['keyData']],
    ['authorities that are none', { caData: 'x' }, ['caData']],
    ['a user without a password', { way: 'password', username: 'u' }, ['password']],
  ])('of %s', (_, change, fields) => {
    const found = Object.entries(check(draft(change))).filter(([, problem]) => problem)
    expect(found.map(([field]) => field)).toEqual(fields)
  })
})

describe('bodyOf', () => {
  it('writes certificates as base64', () => {
    const { config } = bodyOf(draft({ caData: PEM })) as { config: { tlsClientConfig: { caData: string } } }
    expect(atob(config.tlsClientConfig.caData)).toBe(PEM)
  })

  it('leaves authorities out where nothing is checked', () => {
    expect(bodyOf(draft({ caData: PEM, insecure: true }))['config']).toEqual({
      bearerToken: 't',
      tlsClientConfig: { insecure: true },
    })
  })

  it('reads namespaces by spaces and commas, and asks for no cluster-wide objects then', () => {
    expect(bodyOf(draft({ namespaces: 'shop, web\npay' }))).toMatchObject({
      namespaces: ['shop', 'web', 'pay'],
      clusterResources: false,
    })
  })
})

describe('changesOf', () => {
  it('keeps credentials that are not said anew', () => {
    const body = changesOf(draft({ way: 'keep', insecure: true }))
    expect(body).toEqual({ name: 'edge', namespaces: [], clusterResources: true })
  })

  it('stores new ones whole', () => {
    expect(changesOf(draft({ namespaces: 'shop' }))).toEqual({
      ...{ name: 'edge', namespaces: ['shop'], clusterResources: false },
      config: { bearerToken: 't', tlsClientConfig: { insecure: false } },
    })
  })
})
