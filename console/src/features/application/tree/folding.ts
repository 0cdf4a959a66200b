/** Which branches are open, which rows that makes, and how the keyboard walks them. Pure. */
import type { Node } from '../nodes'
import type { Branch } from './branches'

/** From here on branches in which all is well are closed at first. */
export const LARGE_TREE = 80

/** Open or closed, by the branch's id. */
export type Folds = ReadonlyMap<string, boolean>

/**
 * `known` with a decision for each branch that is met for the first time. It is never taken back: a tree that opens and
 * closes by itself while one reads it would be unusable.
 */
export function decideFolds(root: Branch, known: Folds): Folds {
  const isLarge = root.size > LARGE_TREE
  const folds = new Map(known)
  const walk = (branch: Branch, depth: number) => {
    if (branch.children.length > 0 && !folds.has(branch.id)) {
      const isQuiet = branch.unwell === 0 && (isLarge || branch.type === 'group')
      folds.set(branch.id, depth === 0 || !isQuiet)
    }
    for (const child of branch.children) walk(child, depth + 1)
  }
  walk(root, 0)
  return folds.size === known.size ? known : folds
}

export interface Row {
  branch: Branch
  depth: number
  /** Index of the row above that it hangs on; -1 for the root. */
  parent: number
  isOpen: boolean
  /** Its place among its siblings, from 1, and how many they are. */
  position: number
  siblings: number
  /** Of a filtered tree: whether it is one of those asked for, not only on the way to one. */
  isMatch: boolean
}

/** The rows that are shown, owners before what they own. With `keeps` everything on the way to a match is open. */
export function rowsOf(root: Branch, folds: Folds, keeps: ((node: Node) => boolean) | null): Row[] {
  const rows: Row[] = []
  const kept = keeps ? keptOf(root, keeps) : null
  const walk = (branch: Branch, depth: number, parent: number, position: number, siblings: number) => {
    const children = kept ? branch.children.filter((child) => kept.has(child)) : branch.children
    const isOpen = kept ? children.length > 0 : children.length > 0 && folds.get(branch.id) !== false
    const isMatch = !keeps || branch.node === null || keeps(branch.node)
    const index = rows.push({ branch, depth, parent, isOpen, position, siblings, isMatch }) - 1
    if (!isOpen) return
    children.forEach((child, at) => {
      walk(child, depth + 1, index, at + 1, children.length)
    })
  }
  walk(root, 0, -1, 1, 1)
  return rows
}

function keptOf(root: Branch, keeps: (node: Node) => boolean): ReadonlySet<Branch> {
  const kept = new Set<Branch>([root])
  const walk = (branch: Branch): boolean => {
    let isKept = branch.node !== null && keeps(branch.node)
    for (const child of branch.children) if (walk(child)) isKept = true
    if (isKept) kept.add(branch)
    return isKept
  }
  walk(root)
  return kept
}

export type Step = { type: 'focus'; index: number } | { type: 'open' | 'close'; id: string } | null

/** What a key does at row `at`, as in every tree of a desktop (WAI-ARIA, tree view). */
export function stepOf(key: string, rows: readonly Row[], at: number): Step {
  const row = rows[at]
  if (!row) return rows.length > 0 ? { type: 'focus', index: 0 } : null
  const focus = (index: number): Step => (rows[index] ? { type: 'focus', index } : null)
  switch (key) {
    case 'ArrowDown':
      return focus(at + 1)
    case 'ArrowUp':
      return focus(at - 1)
    case 'Home':
      return focus(0)
    case 'End':
      return focus(rows.length - 1)
    case 'ArrowRight':
      if (row.branch.children.length === 0) return null
      return row.isOpen ? focus(at + 1) : { type: 'open', id: row.branch.id }
    case 'ArrowLeft':
      return row.isOpen && at > 0 ? { type: 'close', id: row.branch.id } : focus(row.parent)
    default:
      return null
  }
}
