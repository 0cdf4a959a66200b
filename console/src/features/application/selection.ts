/** Which node is chosen (`?node=`), and which part of its panel is open (`?panel=`): the same in every view. */
import { useCallback } from 'react'
import { useSearchParams } from 'react-router'

export const PANELS = ['summary', 'events', 'logs', 'manifest', 'actions', 'terminal'] as const
export type PanelName = (typeof PANELS)[number]

export interface Selection {
  /** `nodeKey` of what is chosen, empty for nothing. */
  key: string
  panel: PanelName | null
  choose: (key: string) => void
  open: (key: string, panel?: PanelName) => void
  close: () => void
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
const LINKED = [...OF_PANEL, 'wrap', 'line', 'show']

export function useSelection(): Selection {
  const [params, setParams] = useSearchParams()
  const change = useCallback(
    (edit: (next: URLSearchParams) => void, replace: boolean) =>
      setParams(
        (before) => {
          const next = new URLSearchParams(before)
          edit(next)
          return next
        },
        { replace, preventScrollReset: true },
      ),
    [setParams],
  )
  const choose = useCallback(
    (key: string) => change((next) => (key ? next.set('node', key) : next.delete('node')), true),
    [change],
  )
  const open = useCallback(
    (key: string, panel: PanelName = 'summary') =>
      change((next) => {
        if (next.get('node') !== key) for (const each of LINKED) next.delete(each)
        next.set('node', key)
        next.set('panel', panel)
      }, false),
    [change],
  )
  const close = useCallback(
    () =>
      change((next) => {
        for (const each of LINKED) next.delete(each)
      }, false),
    [change],
  )
  const wanted = params.get('panel')
  const panel = PANELS.find((each) => each === wanted) ?? null
  return { key: params.get('node') ?? '', panel, choose, open, close }
}
