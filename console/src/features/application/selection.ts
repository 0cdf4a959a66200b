/** Which node is chosen (`?node=`), and which part of its panel is open (`?panel=`): the same in every view. */
import { useCallback } from 'react'
import { useAddress } from '@/shared/address'
import type { AppRef } from '@/shared/api/types'

export const PANELS = ['summary', 'events', 'logs', 'terminal', 'manifest', 'actions'] as const
export type PanelName = (typeof PANELS)[number]

export interface Selection {
  /** `nodeKey` of what is chosen, empty for nothing. */
  key: string
  panel: PanelName | null
  choose: (key: string) => void
  open: (key: string, panel?: PanelName) => void
  close: () => void
}

/** The application and the object that a chosen key means; one of another application begins with that one's name. */
export function splitKey(key: string, root: AppRef): { app: AppRef; key: string } {
  const match = /^([^/~]+)\/([^/~]+)~(.*)$/.exec(key)
  if (!match) return { app: root, key }
  return { app: { namespace: match[1] ?? '', name: match[2] ?? '' }, key: match[3] ?? '' }
}

/** The other way round. */
export function joinKey(app: AppRef, key: string, root: AppRef): string {
  return app.namespace === root.namespace && app.name === root.name ? key : `${app.namespace}/${app.name}~${key}`
}

/** What the log view keeps in the address belongs to one panel only. */
const OF_PANEL = [
  'panel',
  'container',
  'follow',
  'previous',
  'tail',
  'since',
  'grep',
  'regex',
  'invert',
  'case',
  'times',
]
const LINKED = [...OF_PANEL, 'wrap', 'line', 'show', 'fields']

export function useSelection(): Selection {
  const { params, change } = useAddress()
  const choose = useCallback(
    (key: string) => change((next) => (key ? next.set('node', key) : next.delete('node'))),
    [change],
  )
  const open = useCallback(
    (key: string, panel: PanelName = 'summary') =>
      change((next) => {
        if (next.get('node') !== key) for (const each of LINKED) next.delete(each)
        next.set('node', key)
        next.set('panel', panel)
      }, 'step'),
    [change],
  )
  const close = useCallback(
    () =>
      change((next) => {
        for (const each of LINKED) next.delete(each)
      }, 'step'),
    [change],
  )
  const wanted = params.get('panel')
  const panel = PANELS.find((each) => each === wanted) ?? null
  return { key: params.get('node') ?? '', panel, choose, open, close }
}
