/** The first application: what a form says, checked, and as the manifest and command that make it. */
import { ask } from '@/shared/api/client'

export interface Draft {
  url: string
  path: string
  revision: string
  name: string
  namespace: string
  isAutomated: boolean
}
export type DraftField = Exclude<keyof Draft, 'isAutomated'>

export const EMPTY: Draft = { url: '', path: '.', revision: '', name: '', namespace: '', isAutomated: true }
const PROJECT = 'default'
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const URL_LIKE = /^((https?|ssh|git|oci):\/\/\S+|[\w.-]+@[\w.-]+:\S+)$/

/** What is wrong with each field, as a key of the words. */
export function checkDraft(
  draft: Draft,
): Partial<Record<DraftField, 'problem-url' | 'problem-name' | 'problem-needed'>> {
  return {
    ...(URL_LIKE.test(draft.url) ? {} : { url: 'problem-url' as const }),
    ...(draft.path.trim() ? {} : { path: 'problem-needed' as const }),
    ...(NAME.test(draft.name) ? {} : { name: 'problem-name' as const }),
    ...(NAME.test(draft.namespace) ? {} : { namespace: 'problem-name' as const }),
  }
}

/** A name for what a URL and a folder hold: the folder's, else the repository's. */
export function suggestName(url: string, path: string): string {
  const last = (text: string) => text.replace(/\/+$/, '').split(/[/:]/).pop() ?? ''
  const word = path.trim() && path.trim() !== '.' ? last(path.trim()) : last(url).replace(/\.git$/, '')
  return word
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
}

export function manifestOf(draft: Draft) {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: draft.name },
    spec: {
      project: PROJECT,
      source: { repoURL: draft.url, path: draft.path.trim(), targetRevision: draft.revision.trim() || 'HEAD' },
      destination: { server: 'https://kubernetes.default.svc', namespace: draft.namespace },
      syncPolicy: {
        ...(draft.isAutomated ? { automated: {} } : {}),
        syncOptions: ['CreateNamespace=true'],
      },
    },
  }
}

export function createCommand(draft: Draft): string {
  const quoted = (text: string, stand: string) => {
    if (!text.trim()) return stand
    return /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
  }
  return [
    `haori app create ${quoted(draft.name, 'NAME')} --repo ${quoted(draft.url, 'URL')} --path ${quoted(draft.path, 'PATH')}`,
    draft.revision.trim() && ` --revision ${quoted(draft.revision, '')}`,
    ` --dest-namespace ${quoted(draft.namespace, 'NAMESPACE')}`,
    draft.isAutomated && ' --sync-policy automated',
    ' --sync-option CreateNamespace=true',
  ]
    .filter(Boolean)
    .join('')
}

export function create(draft: Draft): Promise<unknown> {
  return ask('/api/v1/applications', { method: 'POST', body: manifestOf(draft) })
}

/** What it takes to create it. */
export function objectOf(draft: Draft): string {
  return `${PROJECT}/${draft.name || '*'}`
}
