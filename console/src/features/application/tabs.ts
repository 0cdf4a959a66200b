/**
 * The views of one application, in order. A view is loaded when it is first visited, is given the application as it is
 * now, and finds the rest (what is chosen, filters) in the URL; `node` and `panel` there belong to the page itself.
 */
import { type ComponentType, type LazyExoticComponent, lazy } from 'react'
import type { Language } from '@/shared/words'
import type { Application } from './model'

export type View = ComponentType<{ application: Application }>

export interface TabEntry {
  id: string
  label: Readonly<Record<Language, string>>
  /** Loads the view; `known` has it from then on. */
  load: () => Promise<View>
  known: () => View | undefined
  /** The view for who cannot wait until it is loaded. */
  Later: LazyExoticComponent<View>
  /** Whether it shows the objects of the application. */
  isOfTree: boolean
  /** Key that leads there, after `t`. */
  keys: string
}

export const TABS: readonly TabEntry[] = [
  {
    id: 'tree',
    label: { en: 'Tree', ja: 'ツリー' },
    ...loaded(() => import('./tree/tab').then((module) => module.TreeTab)),
    isOfTree: true,
    keys: 't t',
  },
  {
    id: 'resources',
    label: { en: 'Resources', ja: 'リソース' },
    ...loaded(() => import('./resources/tab').then((module) => module.ResourcesTab)),
    isOfTree: true,
    keys: 't r',
  },
  {
    id: 'pods',
    label: { en: 'Pods', ja: 'Pod' },
    ...loaded(() => import('./pods/tab').then((module) => module.PodsTab)),
    isOfTree: true,
    keys: 't p',
  },
  {
    id: 'network',
    label: { en: 'Network', ja: 'ネットワーク' },
    ...loaded(() => import('./network/tab').then((module) => module.NetworkTab)),
    isOfTree: true,
    keys: 't n',
  },
  {
    id: 'dependencies',
    label: { en: 'Dependencies', ja: '依存関係' },
    ...loaded(() => import('./dependencies/tab').then((module) => module.DependenciesTab)),
    isOfTree: true,
    keys: 't e',
  },
  {
    id: 'timeline',
    label: { en: 'Timeline', ja: 'タイムライン' },
    ...loaded(() => import('./timeline/tab').then((module) => module.TimelineTab)),
    isOfTree: true,
    keys: 't l',
  },
  {
    id: 'sync',
    label: { en: 'Sync', ja: '同期' },
    ...loaded(() => import('./sync/tab').then((module) => module.SyncTab)),
    isOfTree: false,
    keys: 't s',
  },
  {
    id: 'diff',
    label: { en: 'Diff', ja: '差分' },
    ...loaded(() => import('./diff/tab').then((module) => module.DiffTab)),
    isOfTree: false,
    keys: 't d',
  },
  {
    id: 'history',
    label: { en: 'History', ja: '履歴' },
    ...loaded(() => import('./history/tab').then((module) => module.HistoryTab)),
    isOfTree: false,
    keys: 't h',
  },
  {
    id: 'details',
    label: { en: 'Details', ja: '詳細' },
    ...loaded(() => import('./details/tab').then((module) => module.DetailsTab)),
    isOfTree: false,
    keys: 't i',
  },
]

export const FIRST_TAB = 'tree'

/** The view that an address names, the first one where it names none; undefined where there is no such view. */
export function tabOf(id: string = FIRST_TAB): TabEntry | undefined {
  return TABS.find((each) => each.id === id)
}

/** A view that is fetched once, by whoever asks for it first. */
function loaded(fetch: () => Promise<View>): Pick<TabEntry, 'load' | 'Later' | 'known'> {
  let found: View | undefined
  let fetching: Promise<View> | undefined
  const load = () => {
    fetching ??= fetch().then(
      (view) => {
        found = view
        return view
      },
      (error: unknown) => {
        fetching = undefined // It may be there the next time.
        throw error
      },
    )
    return fetching
  }
  return { load, Later: lazy(async () => ({ default: await load() })), known: () => found }
}
