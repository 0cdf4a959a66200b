/** Lists somebody gave a name: kept in this browser, or by the server for everybody. */
import { useQuery } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { ask, pathOf } from '@/shared/api/client'

export interface View {
  name: string
  /** The query part of the address, without its question mark. */
  search: string
}

/** One that everybody sees. */
export interface SharedView extends View {
  by: string
}

const PATH = '/api/haori/v1/views'
export const SHARED = ['views'] as const

export function useSharedViews() {
  return useQuery({
    queryKey: SHARED,
    queryFn: async ({ signal }) => (await ask<{ items: SharedView[] }>(PATH, { signal })).items,
  })
}

export function shareView({ name, search }: View): Promise<unknown> {
  return ask(pathOf(PATH, name), { method: 'PUT', body: { search } })
}

export function dropSharedView(name: string): Promise<unknown> {
  return ask(pathOf(PATH, name), { method: 'DELETE' })
}

const STORED = 'haori.applications.views'
const MOST = 50
const listeners = new Set<() => void>()
let views: readonly View[] = parseViews(readStored())

/** The views that a text holds; none where it is not what this page wrote. */
export function parseViews(text: string | null): readonly View[] {
  try {
    const found: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(found) ? found.filter(isView).slice(0, MOST) : []
  } catch {
    return []
  }
}

function isView(value: unknown): value is View {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    'search' in value &&
    typeof value.name === 'string' &&
    typeof value.search === 'string'
  )
}

/** The views with one more, by name; one of the same name gives way. */
export function addView(before: readonly View[], view: View): View[] {
  const others = before.filter((each) => each.name !== view.name)
  return [...others, view].sort((a, b) => a.name.localeCompare(b.name)).slice(0, MOST)
}

function readStored(): string | null {
  try {
    return localStorage.getItem(STORED)
  } catch {
    return null // Storage may be forbidden: views then last as long as the page.
  }
}

function change(to: readonly View[]): void {
  views = to
  try {
    localStorage.setItem(STORED, JSON.stringify(to))
  } catch {
    // See readStored.
  }
  for (const listener of listeners) listener()
}

export function saveView(view: View): void {
  change(addView(views, view))
}

export function dropView(name: string): void {
  change(views.filter((each) => each.name !== name))
}

export function useViews(): readonly View[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => views,
  )
}
