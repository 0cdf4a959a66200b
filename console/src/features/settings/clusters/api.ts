import { useQuery } from '@tanstack/react-query'
import { type ApiError, ask, pathOf } from '@/shared/api/client'
import type { ConnectionState } from '../parts/connection'
import { fieldNamed, type Problems } from '../parts/draft'

export const PATH = '/api/v1/clusters'
export const KEY = ['settings', 'clusters'] as const
export const OWN_SERVER = 'https://kubernetes.default.svc'

export interface Cluster {
  server: string
  name: string
  project: string
  namespaces: string[] | null
  clusterResources?: boolean
  config?: { tlsClientConfig?: { insecure?: boolean } }
  connectionState?: ConnectionState
  serverVersion?: string
  info?: { applicationsCount?: number | string; serverVersion?: string }
}

export function useClusters() {
  return useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => (await ask<{ items: Cluster[] | null }>(PATH, { signal })).items ?? [],
  })
}

/** As policies name it. */
export function objectOf({ project, server }: Pick<Cluster, 'project' | 'server'>): string[] {
  return project ? [project, server] : [server]
}

export const WAYS = ['token', 'certificate', 'password'] as const
/** `keep`: as the one that is changed is signed in to now. */
export type Way = (typeof WAYS)[number] | 'keep'

export interface Draft {
  server: string
  name: string
  project: string
  /** Separated by spaces or commas; empty for all. */
  namespaces: string
  way: Way
  bearerToken: string
  certData: string
  keyData: string
  username: string
  password: string
  caData: string
  insecure: boolean
}

export const EMPTY: Draft = {
  server: '',
  name: '',
  project: '',
  namespaces: '',
  way: 'token',
  bearerToken: '',
  certData: '',
  keyData: '',
  username: '',
  password: '',
  caData: '',
  insecure: false,
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/
const PRIVATE_KEY = /-----BEGIN [\s\S]+-----END/

/** What is wrong with a draft before anybody is asked. */
export function check(draft: Draft): Problems<Draft> {
  const isWith = (way: Way) => draft.way === way
  return {
    server: /^https:\/\/[^\s/]+\S*$/.test(draft.server) ? undefined : 'problem-server',
    name: draft.name === '' ? 'problem-needed' : undefined,
    bearerToken: isWith('token') && draft.bearerToken === '' ? 'problem-needed' : undefined,
    certData: isWith('certificate') && !CERTIFICATE.test(draft.certData) ? 'problem-certificate' : undefined,
    keyData: isWith('certificate') && !PRIVATE_KEY.test(draft.keyData) ? 'problem-key' : undefined,
    username: isWith('password') && draft.username === '' ? 'problem-needed' : undefined,
    password: isWith('password') && draft.password === '' ? 'problem-needed' : undefined,
    caData: draft.caData !== '' && !CERTIFICATE.test(draft.caData) ? 'problem-certificate' : undefined,
  }
}

export function fieldOf(error: ApiError): keyof Draft | undefined {
  const named = fieldNamed(error)
  return named !== undefined && named in EMPTY ? (named as keyof Draft) : undefined
}

/** The body that stores a draft: Argo CD's `config`, whose PEM texts are base64. */
export function bodyOf(draft: Draft): Record<string, unknown> {
  const tls = {
    insecure: draft.insecure,
    // Argo CD refuses authorities beside `insecure`, since they would mean nothing.
    ...(draft.caData && !draft.insecure ? { caData: encode(draft.caData) } : {}),
    ...(draft.way === 'certificate' ? { certData: encode(draft.certData), keyData: encode(draft.keyData) } : {}),
  }
  const namespaces = draft.namespaces.split(/[\s,]+/).filter(Boolean)
  return {
    server: draft.server,
    name: draft.name,
    ...(draft.project ? { project: draft.project } : {}),
    ...(namespaces.length > 0 ? { namespaces, clusterResources: false } : {}),
    config: {
      ...(draft.way === 'token' ? { bearerToken: draft.bearerToken } : {}),
      ...(draft.way === 'password' ? { username: draft.username, password: draft.password } : {}),
      tlsClientConfig: tls,
    },
  }
}

/** The body that changes one; credentials are stored whole or stay as they are. */
export function changesOf(draft: Draft): Record<string, unknown> {
  const { name, config, namespaces = [], clusterResources = true } = bodyOf(draft)
  return { name, namespaces, clusterResources, ...(draft.way === 'keep' ? {} : { config }) }
}

/** What a form for changing one begins with. */
export function draftOf({ server, name, project, namespaces, config }: Cluster): Draft {
  const insecure = config?.tlsClientConfig?.insecure ?? false
  return { ...EMPTY, server, name, project, namespaces: namespaces?.join(', ') ?? '', insecure, way: 'keep' }
}

function encode(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))
}

export function addCluster(draft: Draft): Promise<unknown> {
  return ask(PATH, { method: 'POST', body: bodyOf(draft) })
}

export function changeCluster(draft: Draft): Promise<unknown> {
  return ask(pathOf(PATH, draft.server), { method: 'PUT', body: changesOf(draft) })
}

export function deleteCluster({ server }: Cluster): Promise<unknown> {
  return ask(pathOf(PATH, server), { method: 'DELETE' })
}
