import { useQuery } from '@tanstack/react-query'
import { type ApiError, ask } from '@/shared/api/client'
import type { Problems } from '../parts/draft'

export const PATH = '/api/v1/certificates'
export const KEY = ['settings', 'certificates'] as const

export interface Certificate {
  serverName: string
  certType: 'ssh' | 'https'
  certSubType: string
  certInfo: string
}

export function useCertificates() {
  return useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => (await ask<{ items: Certificate[] | null }>(PATH, { signal })).items ?? [],
  })
}

export const idOf = ({ serverName, certType, certSubType }: Certificate) => `${certType} ${serverName} ${certSubType}`

export interface Draft {
  kind: 'ssh' | 'https'
  /** Of a certificate. */
  host: string
  pem: string
  /** Of host keys: lines of known_hosts. */
  lines: string
}

export const EMPTY: Draft = { kind: 'ssh', host: '', pem: '', lines: '' }

const keysOf = (text: string) =>
  text
    .split('\n')
    .map((each) => each.trim())
    .filter((each) => each !== '' && !each.startsWith('#'))
    .map((each) => each.split(/\s+/))

export function check(draft: Draft): Problems<Draft> {
  if (draft.kind === 'ssh') {
    const keys = keysOf(draft.lines)
    return { lines: keys.length > 0 && keys.every((each) => each.length >= 3) ? undefined : 'problem-host-key' }
  }
  return {
    host: draft.host === '' ? 'problem-needed' : undefined,
    pem: /-----BEGIN CERTIFICATE-----[\s\S]+-----END/.test(draft.pem) ? undefined : 'problem-certificate',
  }
}

/** The body that stores a draft; `certData` is bytes, so base64. */
export function bodyOf(draft: Draft): { items: object[] } {
  if (draft.kind === 'https') {
    return { items: [{ serverName: draft.host, certType: 'https', certData: btoa(draft.pem) }] }
  }
  const items = keysOf(draft.lines).flatMap(([hosts = '', certSubType, key = '']) =>
    hosts.split(',').map((serverName) => ({ serverName, certType: 'ssh', certSubType, certData: btoa(key) })),
  )
  return { items }
}

export function fieldOf(draft: Draft): (error: ApiError) => keyof Draft | undefined {
  return (error) => (error.code === 'certificate-unreadable' ? (draft.kind === 'ssh' ? 'lines' : 'pem') : undefined)
}

export function addCertificates(draft: Draft): Promise<unknown> {
  return ask(PATH, { method: 'POST', body: bodyOf(draft) })
}

export function queryOf({ serverName, certType, certSubType }: Certificate): Record<string, string> {
  return { hostNamePattern: serverName, certType, ...(certSubType ? { certSubType } : {}) }
}

export function deleteCertificate(certificate: Certificate): Promise<unknown> {
  return ask(PATH, { method: 'DELETE', query: queryOf(certificate) })
}
