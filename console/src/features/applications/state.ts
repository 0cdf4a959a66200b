/**
 * What the list shows, as its address has it: search, filters, order, groups, looks. Defaults are left out, so that an
 * address says only what somebody chose.
 */
import type { Query } from '@/shared/api/client'

export const FACETS = ['health', 'sync', 'project', 'cluster', 'namespace'] as const
export const LOOKS = ['table', 'tiles', 'map'] as const
export const COLUMNS = [
  'health',
  'sync',
  'revision',
  'target',
  'images',
  'reconciledAt',
  'project',
  'cluster',
  'namespace',
  'path',
  'labels',
] as const
export const SORTS = ['name', 'health', 'sync', 'project', 'cluster', 'namespace', 'reconciledAt'] as const
export const GROUPS = ['project', 'cluster', 'namespace', 'parent'] as const
/** Before a label's key: rows are grouped by its value. */
export const LABEL = 'label:'

export type Facet = (typeof FACETS)[number]
export type Look = (typeof LOOKS)[number]
export type ColumnId = (typeof COLUMNS)[number]
export type Sort = (typeof SORTS)[number]

export interface ListState {
  search: string
  /** A label selector. */
  label: string
  facets: Readonly<Record<Facet, readonly string[]>>
  sort: Sort
  isReversed: boolean
  /** One of GROUPS, `label:KEY`, or empty. */
  group: string
  look: Look
  columns: readonly ColumnId[]
}

export const DEFAULT_COLUMNS: readonly ColumnId[] = ['health', 'sync', 'revision', 'images', 'reconciledAt']

export function readState(parameters: URLSearchParams): ListState {
  const sort = parameters.get('sort') ?? 'name'
  const columns = parameters.get('columns')
  const group = parameters.get('group') ?? ''
  const isGroup = GROUPS.some((each) => each === group) || (group.startsWith(LABEL) && group !== LABEL)
  return {
    search: parameters.get('q') ?? '',
    label: parameters.get('label') ?? '',
    facets: readFacets(parameters),
    sort: SORTS.find((each) => each === sort.replace(/^-/, '')) ?? 'name',
    isReversed: sort.startsWith('-'),
    group: isGroup ? group : '',
    look: LOOKS.find((each) => each === parameters.get('view')) ?? 'table',
    columns: columns === null ? DEFAULT_COLUMNS : COLUMNS.filter((each) => columns.split(',').includes(each)),
  }
}

function readFacets(parameters: URLSearchParams): ListState['facets'] {
  const of = (facet: Facet) => parameters.getAll(facet)
  return {
    health: of('health'),
    sync: of('sync'),
    project: of('project'),
    cluster: of('cluster'),
    namespace: of('namespace'),
  }
}

export function writeState(state: ListState): URLSearchParams {
  const parameters = new URLSearchParams()
  const put = (name: string, value: string, usual = '') => value !== usual && parameters.set(name, value)
  put('q', state.search)
  put('label', state.label)
  for (const facet of FACETS) for (const word of state.facets[facet]) parameters.append(facet, word)
  put('sort', sortText(state), 'name')
  put('group', state.group)
  put('view', state.look, 'table')
  put('columns', state.columns.join(','), DEFAULT_COLUMNS.join(','))
  return parameters
}

function sortText(state: ListState): string {
  return `${state.isReversed ? '-' : ''}${state.sort}`
}

/** What the server is asked, whatever the page and the looks: modes of the list share their answers. */
export function queryOf(state: ListState): Query {
  return {
    ...state.facets,
    search: state.search.trim(),
    label: state.label.trim(),
    group: state.group,
    sort: sortText(state),
  }
}

export function isFiltered(state: ListState): boolean {
  return state.search.trim() !== '' || state.label !== '' || FACETS.some((facet) => state.facets[facet].length > 0)
}

/** The state with a facet's word taken in, or out where it was in. */
export function toggleFacet(state: ListState, facet: Facet, word: string): ListState {
  const before = state.facets[facet]
  const after = before.includes(word) ? before.filter((each) => each !== word) : [...before, word]
  return { ...state, facets: { ...state.facets, [facet]: after } }
}

/** The state without any filter. */
export function clearFilters(state: ListState): ListState {
  return { ...readState(new URLSearchParams()), ...pickLooks(state) }
}

function pickLooks({ sort, isReversed, group, look, columns }: ListState) {
  return { sort, isReversed, group, look, columns }
}

/** Sorted by that, and turned round when it is already. */
export function sortBy(state: ListState, sort: Sort): ListState {
  return { ...state, sort, isReversed: state.sort === sort && !state.isReversed }
}
