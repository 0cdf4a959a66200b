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
  View: LazyExoticComponent<View>
  /** Key that leads there, after `t`. */
  keys: string
}

export const TABS: readonly TabEntry[] = [
  {
    id: 'tree',
    label: { en: 'Tree', ja: 'ツリー' },
    View: lazy(() => import('./tree/tab').then((module) => ({ default: module.TreeTab }))),
    keys: 't t',
  },
  {
    id: 'resources',
    label: { en: 'Resources', ja: 'リソース' },
    View: lazy(() => import('./resources/tab').then((module) => ({ default: module.ResourcesTab }))),
    keys: 't r',
  },
  {
    id: 'pods',
    label: { en: 'Pods', ja: 'Pod' },
    View: lazy(() => import('./pods/tab').then((module) => ({ default: module.PodsTab }))),
    keys: 't p',
  },
  {
    id: 'network',
    label: { en: 'Network', ja: 'ネットワーク' },
    View: lazy(() => import('./network/tab').then((module) => ({ default: module.NetworkTab }))),
    keys: 't n',
  },
  {
    id: 'timeline',
    label: { en: 'Timeline', ja: 'タイムライン' },
    View: lazy(() => import('./timeline/tab').then((module) => ({ default: module.TimelineTab }))),
    keys: 't l',
  },
  {
    id: 'sync',
    label: { en: 'Sync', ja: '同期' },
    View: lazy(() => import('./sync/tab').then((module) => ({ default: module.SyncTab }))),
    keys: 't s',
  },
  {
    id: 'diff',
    label: { en: 'Diff', ja: '差分' },
    View: lazy(() => import('./diff/tab').then((module) => ({ default: module.DiffTab }))),
    keys: 't d',
  },
  {
    id: 'history',
    label: { en: 'History', ja: '履歴' },
    View: lazy(() => import('./history/tab').then((module) => ({ default: module.HistoryTab }))),
    keys: 't h',
  },
  {
    id: 'details',
    label: { en: 'Details', ja: '詳細' },
    View: lazy(() => import('./details/tab').then((module) => ({ default: module.DetailsTab }))),
    keys: 't i',
  },
]

export const FIRST_TAB = 'tree'
