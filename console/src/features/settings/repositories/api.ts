/** Repositories and templates of credentials: the same things under two names, as in Argo CD's API. */
import { useQuery } from '@tanstack/react-query'
import { type ApiError, ask, pathOf } from '@/shared/api/client'
import type { ConnectionState } from '../parts/connection'
import { fieldNamed, type Problems } from '../parts/draft'
import { line } from '../parts/shell-text'

export type Shelf = 'repositories' | 'credentials'

export interface Repository {
  url: string
  name: string
  type: string
  username: string
  project: string
  insecure: boolean
  enableOCI: boolean
  connectionState: ConnectionState | undefined
}

/** What dialogs about one of them are given. */
export interface OfOne {
  shelf: Shelf
  repository: Repository
  onClose: () => void
}

type Told = Partial<Repository> & { repo?: string }

export const pathOfShelf = (shelf: Shelf) => (shelf === 'repositories' ? '/api/v1/repositories' : '/api/v1/repocreds')
export const keyOf = (shelf: Shelf) => ['settings', shelf] as const

export function repositoryOf(told: Told): Repository {
  return {
    url: told.repo ?? told.url ?? '',
    name: told.name ?? '',
    type: told.type || 'git',
    username: told.username ?? '',
    project: told.project ?? '',
    insecure: told.insecure ?? false,
    enableOCI: told.enableOCI ?? false,
    connectionState: told.connectionState,
  }
}

export function useRepositories(shelf: Shelf) {
  return useQuery({
    queryKey: keyOf(shelf),
    queryFn: async ({ signal }) => {
      const listed = await ask<{ items: Told[] | null }>(pathOfShelf(shelf), { signal })
      return (listed.items ?? []).map(repositoryOf)
    },
  })
}

/** As policies name it: its URL, before it the project it belongs to. */
export function objectOf({ project, url }: Pick<Repository, 'project' | 'url'>): string[] {
  return project ? [project, url] : [url]
}

/** `keep`: as the one that is changed is opened now. */
export type Way = 'none' | 'password' | 'bearer' | 'ssh' | 'keep'
export const WAYS: readonly Way[] = ['none', 'password', 'bearer', 'ssh']
export const TYPES = ['git', 'helm', 'oci'] as const

export interface Draft {
  url: string
  type: string
  name: string
  project: string
  way: Way
  username: string
  password: string
  bearerToken: string
  sshPrivateKey: string
  insecure: boolean
  enableOCI: boolean
}

export const EMPTY: Draft = {
  url: '',
  type: 'git',
  name: '',
  project: '',
  way: 'none',
  username: '',
  password: '',
  bearerToken: '',
  sshPrivateKey: '',
  insecure: false,
  enableOCI: false,
}

const SCP = /^[\w.-]+@[\w.-]+:.+$/
const GIT_URL = /^(https?|ssh):\/\/\S+$/

/** What is wrong with a draft before anybody is asked. */
export function check(draft: Draft): Problems<Draft> {
  const isUrl = GIT_URL.test(draft.url) || SCP.test(draft.url)
  const isPlace = draft.type !== 'git' && /^[\w.-]+(:\d+)?(\/\S*)?$/.test(draft.url)
  return {
    url: draft.url === '' ? 'problem-needed' : isUrl || isPlace ? undefined : 'problem-url',
    username: draft.way === 'password' && draft.username === '' ? 'problem-needed' : undefined,
    password: draft.way === 'password' && draft.password === '' ? 'problem-needed' : undefined,
    bearerToken: draft.way === 'bearer' && draft.bearerToken === '' ? 'problem-needed' : undefined,
    sshPrivateKey:
      draft.way === 'ssh' && !/-----BEGIN [\s\S]+-----END/.test(draft.sshPrivateKey) ? 'problem-key' : undefined,
    name: draft.type === 'helm' && draft.name === '' && !draft.enableOCI ? 'problem-needed' : undefined,
  }
}

/** The field that a refusal is about. */
export function fieldOf(error: ApiError): keyof Draft | undefined {
  if (error.code.startsWith('git-url') || error.code === 'repository-exists') return 'url'
  const named = fieldNamed(error)
  if (named === 'repo') return 'url'
  return named !== undefined && named in EMPTY ? (named as keyof Draft) : undefined
}

/** The body that stores a draft; of the ways to sign in only the chosen one counts. */
export function bodyOf(draft: Draft, shelf: Shelf): Record<string, unknown> {
  const key = draft.sshPrivateKey.endsWith('\n') ? draft.sshPrivateKey : `${draft.sshPrivateKey}\n`
  return {
    [shelf === 'repositories' ? 'repo' : 'url']: draft.url,
    type: draft.type,
    ...(shelf === 'repositories' && draft.name ? { name: draft.name } : {}),
    ...(shelf === 'repositories' && draft.project ? { project: draft.project } : {}),
    ...(draft.way === 'password' ? { username: draft.username, password: draft.password } : {}),
    ...(draft.way === 'bearer' ? { bearerToken: draft.bearerToken } : {}),
    ...(draft.way === 'ssh' ? { sshPrivateKey: key } : {}),
    ...(draft.insecure ? { insecure: true } : {}),
    ...(draft.enableOCI ? { enableOCI: true } : {}),
  }
}

/** What opens a repository, by the way that uses it. */
const SECRETS: Partial<Record<Way, readonly string[]>> = {
  password: ['username', 'password'],
  bearer: ['bearerToken'],
  ssh: ['sshPrivateKey'],
}

/** The body that changes one: where it is opened in another way, what opened it before is taken away. */
export function changesOf(draft: Draft, shelf: Shelf): Record<string, unknown> {
  const old = draft.way === 'keep' ? [] : Object.values(SECRETS).flat()
  const { project: _, ...body } = bodyOf(draft, shelf)
  return {
    ...Object.fromEntries(old.map((field) => [field, null])),
    ...(shelf === 'repositories' ? { name: draft.name || null } : {}),
    ...body,
    insecure: draft.insecure,
  }
}

/** What a form for changing one begins with. */
export function draftOf(repository: Repository): Draft {
  const { url, type, name, project, username, insecure, enableOCI } = repository
  return { ...EMPTY, url, type, name, project, username, insecure, enableOCI, way: 'keep' }
}

/** The command that adds it; what is secret is read from standard input or a file. */
export function addCommand(draft: Draft, shelf: Shelf): string {
  return line(
    ...['haori', 'repo', 'add', draft.url || 'URL'],
    shelf === 'credentials' && '--template',
    ...(draft.type === 'git' ? [] : ['--type', draft.type]),
    ...(draft.name ? ['--name', draft.name] : []),
    ...(draft.project ? ['--project', draft.project] : []),
    ...(draft.way === 'password' ? ['--username', draft.username || 'NAME', '--password', '-'] : []),
    ...(draft.way === 'bearer' ? ['--bearer-token', '-'] : []),
    ...(draft.way === 'ssh' ? ['--ssh-private-key-path', 'FILE'] : []),
    draft.enableOCI && '--enable-oci',
    draft.insecure && '--insecure-skip-server-verification',
  )
}

/** The command that changes it; where it is opened as before there is none of ours, since that would have to be said anew. */
export function changeCommand(draft: Draft, shelf: Shelf): string {
  if (draft.way !== 'keep') return `${addCommand(draft, shelf)} --upsert`
  const kind = shelf === 'repositories' ? 'repository' : 'repo-creds'
  return `kubectl edit secrets -n argocd -l argocd.argoproj.io/secret-type=${kind}`
}

export function addRepository(draft: Draft, shelf: Shelf): Promise<unknown> {
  return ask(pathOfShelf(shelf), { method: 'POST', body: bodyOf(draft, shelf) })
}

export function changeRepository(draft: Draft, shelf: Shelf): Promise<unknown> {
  const query = { appProject: draft.project }
  return ask(pathOf(pathOfShelf(shelf), draft.url), { method: 'PUT', query, body: changesOf(draft, shelf) })
}

export function deleteRepository({ url, project }: Repository, shelf: Shelf): Promise<unknown> {
  return ask(pathOf(pathOfShelf(shelf), url), { method: 'DELETE', query: { appProject: project } })
}

/** Whether a repository can be opened with what is known of it. Raises ApiError with the reason. */
export function testRepository({ url, project }: Repository): Promise<unknown> {
  const query = { appProject: project }
  return ask(`${pathOf(pathOfShelf('repositories'), url)}/validate`, { method: 'POST', query, body: url })
}
