/** Which applications are selected, and which one the keyboard is at. */
import { useCallback, useState } from 'react'
import type { Row } from '@/shared/api/types'
import { keyOf } from './api'

export type Selected = ReadonlyMap<string, Row>

export function withToggled(selected: Selected, rows: readonly Row[]): Selected {
  const areAll = rows.every((row) => selected.has(keyOf(row)))
  const next = new Map(selected)
  for (const row of rows) {
    if (areAll) next.delete(keyOf(row))
    else next.set(keyOf(row), row)
  }
  return next
}

export interface Selection {
  selected: Selected
  /** Takes these rows in, or out where all of them are in. */
  toggle: (rows: readonly Row[]) => void
  replace: (rows: readonly Row[]) => void
}

export function useSelection(): Selection {
  const [selected, setSelected] = useState<Selected>(new Map())
  const toggle = useCallback((rows: readonly Row[]) => setSelected((before) => withToggled(before, rows)), [])
  const replace = useCallback((rows: readonly Row[]) => setSelected(new Map(rows.map((row) => [keyOf(row), row]))), [])
  return { selected, toggle, replace }
}
