import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useWords } from '@/shared/words'
import { type Application, type Automated, declaredBy, sourcesOf } from '../model'
import { askArgo, askOwn, keyOf, useControlNamespace, useMayHere } from '../queries'
import { words } from './words'

/** Asks for something about the application; what is known of it goes stale afterwards. */
function useChange<Argument>(application: Application, change: (argument: Argument) => Promise<unknown>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSettled: () => queries.invalidateQueries({ queryKey: keyOf(application.metadata) }),
  })
}

export function useRefresh(application: Application) {
  return useChange(application, (kind: 'normal' | 'hard') =>
    askArgo(application.metadata, [], { query: { refresh: kind } }),
  )
}

export function useResume(application: Application) {
  return useChange(application, () => askOwn(application.metadata, ['pin'], { method: 'DELETE' }))
}

/** Who made a commit and why; nothing is asked of what is no commit, such as a chart's version. */
export function useCommit(application: Application, revision: string) {
  return useQuery({
    queryKey: keyOf(application.metadata, 'commit', revision),
    queryFn: ({ signal }) =>
      askArgo<{ author: string; message: string }>(application.metadata, ['revisions', revision, 'metadata'], {
        signal,
      }),
    enabled: /^[0-9a-f]{40}$/.test(revision),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
}

export type Cascade = 'keep' | 'foreground' | 'background'

/** The query of a deletion: whether objects go, and whether what they own goes before them. */
export function deletionOf(cascade: Cascade): { cascade: string; propagationPolicy?: string } {
  return cascade === 'keep' ? { cascade: 'false' } : { cascade: 'true', propagationPolicy: cascade }
}

export function useDelete(application: Application) {
  return useChange(application, (cascade: Cascade) =>
    askArgo(application.metadata, [], { method: 'DELETE', query: deletionOf(cascade) }),
  )
}

/** The merge patch that switches automatic sync; what the policy says beside it stays. */
export function automationPatch(automated: Automated | null) {
  return { spec: { syncPolicy: { automated: automated && { enabled: true, ...automated } } } }
}

export function useAutomation(application: Application) {
  return useChange(application, (automated: Automated | null) =>
    askArgo(application.metadata, [], {
      method: 'PATCH',
      body: { patch: JSON.stringify(automationPatch(automated)), patchType: 'merge' },
    }),
  )
}

/** Why `action` cannot be done by this reader: a permission that lacks; undefined where it can. */
export function useLack(application: Application, action: string): string | undefined {
  const say = useWords(words)
  const { may, permission } = useMayHere(application, action)
  return may === false ? say('lacks-permission', { permission }) : undefined
}

/** Where Git declares the application, as a sentence; undefined where people change it here. */
export function useDeclared(application: Application): string | undefined {
  const say = useWords(words)
  const parent = declaredBy(application, useControlNamespace())
  const query = useQuery({
    queryKey: parent ? [...keyOf(parent), 'source'] : ['no-parent'],
    queryFn: ({ signal }) => askArgo<Application>(parent ?? { namespace: '', name: '' }, [], { signal }),
    enabled: parent !== null,
    staleTime: 60_000,
  })
  if (!parent) return undefined
  const source = query.data && sourcesOf(query.data)[0]
  if (!source) return say('declared-by', { parent: parent.name })
  return say('declared-in', {
    parent: parent.name,
    path: source.path || source.chart || '.',
    repository: source.repoURL,
  })
}
