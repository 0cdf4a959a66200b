/** Sources as people edit them: texts with a line for each parameter or image, and back. Pure. */
import type { Json } from '../diff/paths'
import { type Application, type Source, sourcesOf } from '../model'

export interface Draft {
  target: string
  /** `name=value` lines; null where the source is no Helm chart. */
  parameters: string | null
  /** Image lines; null where the source is no Kustomize folder. */
  images: string | null
}

/** What kind each source was found to be, in their order. */
export function sourceTypes({ status }: Application): string[] {
  if (status?.sourceTypes && status.sourceTypes.length > 0) return status.sourceTypes
  return status?.sourceType ? [status.sourceType] : []
}

export function draftOf(source: Source, type: string): Draft {
  const parameters = source.helm?.parameters ?? []
  return {
    target: source.targetRevision ?? '',
    parameters:
      type === 'Helm' || source.helm ? parameters.map((each) => `${each.name}=${each.value ?? ''}`).join('\n') : null,
    images: type === 'Kustomize' || source.kustomize ? (source.kustomize?.images ?? []).join('\n') : null,
  }
}

/** The first line that is no parameter, counted from 1; null where all are. */
export function wrongLine(text: string | null): number | null {
  const at = linesOf(text).findIndex((line) => !/^[^=\s][^=]*=/.test(line))
  return at < 0 ? null : at + 1
}

const linesOf = (text: string | null): string[] =>
  (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

/** The source as the draft has it; all that the draft does not show stays. */
export function applyDraft(source: Source, draft: Draft): Source {
  const next: Source = { ...source, targetRevision: draft.target }
  if (!draft.target) delete next.targetRevision
  if (draft.parameters !== null) {
    const known = new Map((source.helm?.parameters ?? []).map((each) => [each.name, each]))
    const parameters = linesOf(draft.parameters).map((line) => {
      const at = line.indexOf('=')
      const name = line.slice(0, at)
      return { ...known.get(name), name, value: line.slice(at + 1) }
    })
    next.helm = { ...source.helm, parameters }
  }
  if (draft.images !== null) next.kustomize = { ...source.kustomize, images: linesOf(draft.images) }
  return withoutEmpty(next)
}

/** An empty block says nothing, and would make a chart of what is none. */
function withoutEmpty(source: Source): Source {
  const { helm, kustomize, ...rest } = source
  const images = kustomize?.images?.length === 0 ? without(kustomize, 'images') : kustomize
  const chart = helm?.parameters?.length === 0 ? without(helm, 'parameters') : helm
  return {
    ...rest,
    ...(chart && Object.keys(chart).length > 0 ? { helm: chart } : {}),
    ...(images && Object.keys(images).length > 0 ? { kustomize: images } : {}),
  }
}

function without<Value extends object, Key extends keyof Value>(value: Value, key: Key): Omit<Value, Key> {
  const { [key]: _, ...rest } = value
  return rest
}

/** The JSON patch that puts `sources` where the Application has its own. */
export function patchOf(application: Application, sources: readonly Source[]) {
  const many = (application.spec.sources?.length ?? 0) > 0
  return many
    ? [{ op: 'replace', path: '/spec/sources', value: sources }]
    : [{ op: 'replace', path: '/spec/source', value: sources[0] }]
}

/** The command that sets the same of a single source. */
export function commandOf(name: string, { target, parameters, images }: Draft): string {
  const quoted = (line: string) => (/^[\w@%+=:,./-]+$/.test(line) ? line : `'${line.replaceAll("'", "'\\''")}'`)
  const parts = [
    ...(target ? [`--revision ${quoted(target)}`] : []),
    ...linesOf(parameters).map((line) => `--helm-set ${quoted(line)}`),
    ...linesOf(images).map((line) => `--kustomize-image ${quoted(line)}`),
  ]
  return ['haori app set', name, ...parts].join(' ')
}

/** The Application as somebody would declare it: what was asked for, without what cluster and controllers add. */
export function declarationOf(application: Application): Json {
  const { name, namespace, labels } = application.metadata
  const kept = { name, namespace, ...(labels ? { labels } : {}) }
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: kept,
    spec: application.spec as unknown as Json,
  }
}

/** An address that may be a link: nothing but http and https, whatever a repository says. */
export function linkOf(url: string): string | null {
  return /^https?:\/\//.test(url) ? url.replace(/^(https?:\/\/)[^/@]*@/, '$1') : null
}

export function isSame(application: Application, sources: readonly Source[]): boolean {
  return JSON.stringify(sourcesOf(application)) === JSON.stringify(sources)
}
