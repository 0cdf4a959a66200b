/** The tree's state: what is open, where the keyboard is, which applications are shown in place. */
import { useQueries } from '@tanstack/react-query'
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { AppRef } from '@/shared/api/types'
import type { Node } from '../nodes'
import { treeQuery } from '../nodes'
import { useAppRef } from '../reference'
import { useSelection } from '../selection'
import { applicationOf, type Branch, buildTree, FOLDS, type Fold, type Gatherings } from './branches'
import { decideFolds, type Folds, type Row, rowsOf, stepOf } from './folding'
import { type Shown, usePulses } from './pulse'
import type { TreeView } from './rows'

/** An application shown in place: how far that is. */
export interface OpenedApp {
  app: AppRef
  isLoading: boolean
  error: Error | null
}

export function foldOf(params: URLSearchParams): Fold | null {
  return FOLDS.find((each) => each === params.get('fold')) ?? null
}

/** `health` is the application's own. */
export function useTreeView(nodes: readonly Node[], keeps: ((node: Node) => boolean) | null, health: string) {
  const app = useAppRef()
  const [params] = useSearchParams()
  const selection = useSelection()
  const places = useOpened()
  const fold = foldOf(params)
  const gathered = useRef<Gatherings>(new Map())
  const { root, gatherings } = useMemo(
    () => buildTree(app, nodes, fold, { opened: places.nodes, known: gathered.current, health }),
    [app, nodes, fold, places.nodes, health],
  )
  gathered.current = gatherings

  const [choices, setChoices] = useState<Folds>(new Map())
  const decided = useRef<Folds>(new Map())
  decided.current = decideFolds(root, decided.current)
  const auto = decided.current
  const folds = useMemo(() => new Map([...auto, ...choices]), [auto, choices])
  const rows = useMemo(() => rowsOf(root, folds, keeps), [root, folds, keeps])

  const [focused, setFocused] = useState(selection.key)
  const at = Math.max(
    0,
    rows.findIndex((row) => row.branch.id === focused),
  )
  const put = useCallback(
    (ids: readonly string[], isOpen: boolean) =>
      setChoices((before) => new Map([...before, ...ids.map((id) => [id, isOpen] as const)])),
    [],
  )
  const { key } = selection
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new choice is brought into sight, an update of the tree is not.
  useEffect(() => {
    const path = pathTo(root, key)
    if (!path) return
    put(path, true)
    setFocused(key)
  }, [key, put])

  const canExpand = (branch: Branch) =>
    branch.node !== null && applicationOf(branch.node) !== null && !places.nodes.has(branch.id)
  const onToggle = (row: Row) => {
    const child = row.branch.node && applicationOf(row.branch.node)
    if (child && !places.nodes.has(row.branch.id)) places.open(row.branch.id, child)
    else put([row.branch.id], !row.isOpen)
  }
  const onOpen = (row: Row) => {
    setFocused(row.branch.id)
    if (row.branch.node) selection.open(row.branch.id)
    else if (row.branch.type === 'group') onToggle(row)
  }
  const onKey = (event: KeyboardEvent): boolean => {
    const row = rows[at]
    if (row && event.key === 'Enter') onOpen(row)
    else if (row && event.key === ' ') onToggle(row)
    else if (row && event.key === 'ArrowRight' && canExpand(row.branch)) onToggle(row)
    else {
      const step = stepOf(event.key, rows, at)
      if (!step) return false
      if (step.type !== 'focus') put([step.id], step.type === 'open')
      else setFocused(rows[step.index]?.branch.id ?? '')
    }
    return true
  }
  const pulseOf = usePulses(app, [{ app, nodes }, ...places.shown])
  const view: TreeView = { rows, at, chosen: key, pulseOf, canExpand, onToggle, onOpen, onKey }
  return {
    view,
    root,
    opened: places.states,
    openAll: () => put([...auto.keys()], true),
    closeWell: () => put(quietOf(root), false),
  }
}

/** Applications shown in place, and their objects as they come. */
function useOpened() {
  const [opened, setOpened] = useState<ReadonlyMap<string, AppRef>>(new Map())
  const { trees, states } = useQueries({
    queries: [...opened.values()].map(treeQuery),
    combine: useCallback(
      (found: { data: { nodes: Node[] } | undefined; isPending: boolean; error: Error | null }[]) => ({
        trees: [...opened.keys()].map((id, index) => [id, found[index]?.data?.nodes] as const),
        states: [...opened.values()].map((app, index): OpenedApp => {
          const { isPending = false, error = null } = found[index] ?? {}
          return { app, isLoading: isPending, error }
        }),
      }),
      [opened],
    ),
  })
  const nodes = useMemo(() => new Map(trees.flatMap(([id, each]) => (each ? [[id, each] as const] : []))), [trees])
  const open = (id: string, app: AppRef) => setOpened((before) => new Map([...before, [id, app]]))
  const shown = [...opened].flatMap(([id, app]): Shown[] => {
    const found = nodes.get(id)
    return found ? [{ app, nodes: found }] : []
  })
  return { nodes, states, shown, open }
}

/** Ids of what stands above the branch `id`; null where it is nowhere. */
export function pathTo(root: Branch, id: string): string[] | null {
  for (const child of root.children) {
    if (child.id === id) return [root.id]
    const below = pathTo(child, id)
    if (below) return [root.id, ...below]
  }
  return null
}

/** Ids of branches in which all is well. */
function quietOf(branch: Branch): string[] {
  const below = branch.children.flatMap(quietOf)
  return branch.id !== '' && branch.children.length > 0 && branch.unwell === 0 ? [branch.id, ...below] : below
}
