import { useQuery } from '@tanstack/react-query'
import { ask, pathOf } from '@/shared/api/client'
import type { Problems } from '../parts/draft'
import { secondsOf } from '../parts/duration'
import type { TokenDraft } from '../parts/token-form'
import { instantOf, type Token } from '../parts/token-list'

export const PATH = '/api/v1/projects'
export const KEY = ['settings', 'projects'] as const
const TRACKING = 'argocd.argoproj.io/tracking-id'

export interface Destination {
  server?: string
  name?: string
  namespace?: string
}

export interface KindRule {
  group?: string
  kind?: string
  name?: string
}

export interface Role {
  name: string
  description?: string
  policies?: string[]
  groups?: string[]
  jwtTokens?: RoleToken[]
}

/** `iat` and `exp`: seconds of Unix time. */
export interface RoleToken {
  id?: string
  iat: number
  exp?: number
}

export interface Spec {
  description?: string
  sourceRepos?: string[]
  destinations?: Destination[]
  sourceNamespaces?: string[]
  clusterResourceWhitelist?: KindRule[]
  clusterResourceBlacklist?: KindRule[]
  namespaceResourceWhitelist?: KindRule[]
  namespaceResourceBlacklist?: KindRule[]
  roles?: Role[]
  [further: string]: unknown
}

export interface Project {
  metadata: {
    name: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
    finalizers?: string[]
  }
  spec: Spec
  status?: { jwtTokensByRole?: Record<string, { items?: RoleToken[] | null }> }
}

export function useProjects() {
  return useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => (await ask<{ items: Project[] | null }>(PATH, { signal })).items ?? [],
  })
}

export function useProject(name: string) {
  return useQuery({
    queryKey: [...KEY, name],
    queryFn: ({ signal }) => ask<Project>(pathOf(PATH, name), { signal }),
  })
}

/** The application that keeps the project as Git has it; empty where nobody does. */
export function declaredBy(project: Project): string {
  return project.metadata.annotations?.[TRACKING]?.split(':')[0] ?? ''
}

const LISTS = ['clusterResourceWhitelist', 'clusterResourceBlacklist', 'namespaceResourceBlacklist'] as const

/** A project as lines of text, which is what the form edits. */
export interface Draft {
  name: string
  description: string
  sources: string
  destinations: string
  clusterResourceWhitelist: string
  clusterResourceBlacklist: string
  namespaceResourceBlacklist: string
}

/** What a new project begins with: nothing may be used before somebody says so. */
export const EMPTY: Draft = {
  name: '',
  description: '',
  sources: '',
  destinations: '',
  clusterResourceWhitelist: '',
  clusterResourceBlacklist: '',
  namespaceResourceBlacklist: '',
}

export function draftOf({ metadata, spec }: Project): Draft {
  const kinds = (rules: KindRule[] | undefined) =>
    (rules ?? []).map(({ group, kind, name }) => [group || '-', kind, name].filter(Boolean).join(' ')).join('\n')
  return {
    name: metadata.name,
    description: spec.description ?? '',
    sources: (spec.sourceRepos ?? []).join('\n'),
    destinations: (spec.destinations ?? [])
      .map(({ server, name, namespace }) => `${server || name || '*'} ${namespace || '*'}`)
      .join('\n'),
    clusterResourceWhitelist: kinds(spec.clusterResourceWhitelist),
    clusterResourceBlacklist: kinds(spec.clusterResourceBlacklist),
    namespaceResourceBlacklist: kinds(spec.namespaceResourceBlacklist),
  }
}

/** Lines that say something. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((each) => each.trim())
    .filter(Boolean)
}

const wordsOf = (text: string): string[][] => linesOf(text).map((each) => each.split(/\s+/))

/** A cluster is named by its server where that is a URL or `*`; `!` before it denies. */
function destinationOf([cluster = '', namespace = '']: string[]): Destination {
  const isServer = cluster.includes('://') || cluster === '*'
  return { ...(isServer ? { server: cluster } : { name: cluster }), namespace }
}

const ruleOf = ([group = '', kind = '', name]: string[]): KindRule => ({
  group: group === '-' ? '' : group,
  kind,
  ...(name ? { name } : {}),
})

/** The spec with what the draft says; fields that the form does not know stay, lists that were never set stay unset. */
export function specOf(draft: Draft, before: Spec): Spec {
  const spec: Spec = { ...before, sourceRepos: linesOf(draft.sources) }
  spec.destinations = wordsOf(draft.destinations).map(destinationOf)
  if (draft.description || before.description) spec.description = draft.description
  for (const list of LISTS) {
    const rules = wordsOf(draft[list]).map(ruleOf)
    if (rules.length > 0 || before[list]) spec[list] = rules
  }
  return spec
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

export function check(draft: Draft): Problems<Draft> {
  const rules = (text: string) => wordsOf(text).every((words) => words.length === 2 || words.length === 3)
  return {
    name: NAME.test(draft.name) ? undefined : 'problem-name',
    destinations: wordsOf(draft.destinations).every((words) => words.length === 2) ? undefined : 'problem-pair',
    ...Object.fromEntries(LISTS.map((list) => [list, rules(draft[list]) ? undefined : 'problem-kind'])),
  }
}

/** Stores a project: makes it, or (`isNew` false) changes it. */
export function storeProject(project: Project, isNew: boolean): Promise<Project> {
  const { name, labels, annotations, finalizers } = project.metadata
  const metadata = { name, labels, annotations, finalizers }
  const body = { project: { metadata, spec: project.spec } }
  return isNew ? ask(PATH, { method: 'POST', body }) : ask(pathOf(PATH, project.metadata.name), { method: 'PUT', body })
}

export function deleteProject(name: string): Promise<unknown> {
  return ask(pathOf(PATH, name), { method: 'DELETE' })
}

export interface RoleDraft {
  name: string
  description: string
  policies: string
  groups: string
}

export const EMPTY_ROLE: RoleDraft = { name: '', description: '', policies: '', groups: '' }

export function checkRole(draft: RoleDraft, project: string): Problems<RoleDraft> {
  const subject = `proj:${project}:${draft.name}`
  const isPolicy = (text: string) => {
    const parts = text.split(',').map((each) => each.trim())
    return parts.length === 6 && parts[0] === 'p' && parts[1] === subject
  }
  return {
    name: NAME.test(draft.name) ? undefined : 'problem-name',
    policies: linesOf(draft.policies).every(isPolicy) ? undefined : 'problem-policy',
  }
}

/** The tokens of a role, wherever the project lists them. */
export function tokensOf(project: Project, role: Role): Token[] {
  const listed = [...(role.jwtTokens ?? []), ...(project.status?.jwtTokensByRole?.[role.name]?.items ?? [])]
  const byId = new Map(listed.map((each) => [each.id ?? String(each.iat), each]))
  return [...byId].map(([id, { iat, exp }]) => ({
    id,
    name: id,
    issuedAt: instantOf(iat),
    expiresAt: instantOf(exp),
  }))
}

export const tokenPath = (project: string, role: string) => `${pathOf(PATH, project, 'roles', role)}/token`

export function makeRoleToken(project: string, role: string, draft: TokenDraft): Promise<{ token: string }> {
  return ask(tokenPath(project, role), { method: 'POST', body: { id: draft.name, expiresIn: secondsOf(draft.lasts) } })
}

export function revokeRoleToken(project: string, role: string, token: Token): Promise<unknown> {
  const issued = String(Date.parse(token.issuedAt) / 1000)
  return ask(pathOf(tokenPath(project, role), issued), { method: 'DELETE', query: { id: token.id } })
}

/** The spec with one role changed, added (`before` is not there) or, with `null`, taken away. */
export function withRole(spec: Spec, before: string, draft: RoleDraft | null): Spec {
  const roles = spec.roles ?? []
  if (draft === null) return { ...spec, roles: roles.filter((each) => each.name !== before) }
  const known = roles.find((each) => each.name === before)
  const role: Role = {
    ...known,
    name: draft.name,
    description: draft.description,
    policies: linesOf(draft.policies),
    groups: linesOf(draft.groups),
  }
  return { ...spec, roles: known ? roles.map((each) => (each === known ? role : each)) : [...roles, role] }
}
