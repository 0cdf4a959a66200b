/** What a drawing and a list of the tree both are given. */
import type { KeyboardEvent } from 'react'
import type { Branch } from './branches'
import type { Row } from './folding'

export interface TreeView {
  rows: readonly Row[]
  /** Index of the row the keyboard is at. */
  at: number
  chosen: string
  /** Which pulse the branch of an id is in, 0 for none. */
  pulseOf: (id: string) => number
  /** An application whose objects can be shown in place and are not yet. */
  canExpand: (branch: Branch) => boolean
  onToggle: (row: Row) => void
  onOpen: (row: Row) => void
  /** Handles the keys of a tree; true where it was one. */
  onKey: (event: KeyboardEvent) => boolean
}
