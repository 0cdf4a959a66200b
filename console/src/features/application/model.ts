/** What the pages read of an Application: questions to its manifest, as Argo CD writes it. Pure. */
import type { AppRef } from '@/shared/api/types'
import type { ObjectName } from './objects'
import type { OperationState, SyncOperation } from './sync/operation'

export interface Source {
  repoURL: string
  path?: string
  chart?: string
  ref?: string
  name?: string
  targetRevision?: string
  helm?: {
    releaseName?: string
    valueFiles?: string[]
    values?: string
    valuesObject?: unknown
    parameters?: { name: string; value?: string; forceString?: boolean }[]
  }
  kustomize?: { images?: string[]; namePrefix?: string; nameSuffix?: string; namespace?: string }
  directory?: { recurse?: boolean; include?: string; exclude?: string }
}

export interface HistoryEntry {
  id: number
  revision?: string
  revisions?: string[]
  source?: Source
  sources?: Source[]
  deployStartedAt?: string
  deployedAt?: string
  initiatedBy?: { username?: string; automated?: boolean }
}

export interface Automated {
  enabled?: boolean
  prune?: boolean
  selfHeal?: boolean
}

export interface Application {
  metadata: {
    name: string
    namespace: string
    uid?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
    deletionTimestamp?: string
    resourceVersion?: string
  }
  spec: {
    project?: string
    source?: Source
    sources?: Source[]
    destination: { server?: string; name?: string; namespace?: string }
    syncPolicy?: { automated?: Automated | null; syncOptions?: string[]; retry?: unknown }
    ignoreDifferences?: unknown[]
    revisionHistoryLimit?: number
  }
  operation?: { sync?: SyncOperation }
  status?: {
    sync?: { status?: string; revision?: string; revisions?: string[] }
    health?: { status?: string; lastTransitionTime?: string }
    conditions?: { type: string; message: string; lastTransitionTime?: string }[]
    resources?: (ObjectName & {
      version?: string
      status?: string
      hook?: boolean
      requiresPruning?: boolean
      syncWave?: number
    })[]
    summary?: { images?: string[]; externalURLs?: string[] }
    history?: HistoryEntry[]
    operationState?: OperationState
    sourceType?: string
    sourceTypes?: string[]
    reconciledAt?: string
    /** Ours: the reason why it is not as wanted, in English as conditions are. */
    haori?: { why?: { text?: string } | null }
  }
}

export interface Pin {
  id: number
  revisions: string[]
  owner: string
  reason: string
  since: string
  until: string
  /** What Git wanted when the pin was set. */
  wanted: string[]
}

const PIN = 'haori.dev/pin'
const TRACKING = 'argocd.argoproj.io/tracking-id'

/** The pin that holds the application, null where none does or where its annotation cannot be read. */
export function pinOf(application: Application): Pin | null {
  try {
    const raw: unknown = JSON.parse(application.metadata.annotations?.[PIN] ?? 'null')
    if (typeof raw !== 'object' || raw === null) return null
    const { id, revision, revisions, owner, reason, since, until, wanted } = raw as Record<string, unknown>
    const many = Array.isArray(revisions) ? revisions.map(String) : [text(revision)]
    return {
      id: Number(id ?? 0),
      revisions: many,
      owner: text(owner),
      reason: text(reason),
      since: text(since),
      until: text(until),
      wanted: Array.isArray(wanted) ? wanted.map(String) : [],
    }
  } catch {
    return null
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The application that keeps this one as Git has it, null where people change it themselves. */
export function declaredBy(application: Application, controlNamespace: string): AppRef | null {
  const [owner, ...rest] = (application.metadata.annotations?.[TRACKING] ?? '').split(':')
  if (!owner || rest.length === 0) return null
  // One of another namespace is written as NAMESPACE_NAME; names themselves hold no underscore.
  const [first, second] = owner.split('_')
  return second ? { namespace: first ?? '', name: second } : { namespace: controlNamespace, name: owner }
}

/** The conditions that say something else than the reason why it is not as wanted. */
export function conditionsBesideWhy({ status }: Application) {
  return (status?.conditions ?? []).filter((each) => each.message !== status?.haori?.why?.text)
}

export function sourcesOf(application: Application): Source[] {
  const { source, sources } = application.spec
  return sources && sources.length > 0 ? sources : source ? [source] : []
}

/** Automated sync, null where it is absent or switched off. */
export function automatedOf(application: Application): Automated | null {
  const automated = application.spec.syncPolicy?.automated
  return automated && automated.enabled !== false ? automated : null
}

export function revisionsOf(of: { revision?: string; revisions?: string[] } | undefined): string[] {
  if (of?.revisions && of.revisions.length > 0) return of.revisions
  return of?.revision ? [of.revision] : []
}

/** A commit as people read it; versions of charts and tags stay whole. */
export function shortRevision(revision: string): string {
  return /^[0-9a-f]{40}$/.test(revision) ? revision.slice(0, 7) : revision
}

/** Who wrote a commit, without the address. */
export function authorName(author: string): string {
  return author.replace(/ <[^>]*>$/, '')
}

/** The application as access policies name it. */
export function policyName(application: Application, controlNamespace: string): string {
  const { name, namespace } = application.metadata
  const project = application.spec.project || 'default'
  return namespace === controlNamespace ? `${project}/${name}` : `${project}/${namespace}/${name}`
}
