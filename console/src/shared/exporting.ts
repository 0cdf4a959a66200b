/** What the page that is shown can be taken along as: each page says its rows, the shell offers them as files. */
import { useEffect, useRef, useSyncExternalStore } from 'react'

type Rows = readonly object[]

export interface Exported {
  /** Of the file, without its ending. */
  name: string
  rows: () => Rows | Promise<Rows>
}

const registered = new Map<symbol, Exported>()
const listeners = new Set<() => void>()
let current: Exported | null = null

function changed(): void {
  current = [...registered.values()].at(-1) ?? null
  for (const listener of listeners) listener()
}

/** Offers rows while the caller is shown; undefined: there are none yet. */
export function useExported(name: string, rows: Rows | (() => Promise<Rows>) | undefined): void {
  const latest = useRef(rows)
  latest.current = rows
  const isOffered = rows !== undefined
  useEffect(() => {
    if (!isOffered) return
    const key = Symbol(name)
    registered.set(key, {
      name,
      rows: () => (typeof latest.current === 'function' ? latest.current() : (latest.current ?? [])),
    })
    changed()
    return () => {
      registered.delete(key)
      changed()
    }
  }, [name, isOffered])
}

export function useCurrentExport(): Exported | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => current,
  )
}

export type Format = 'csv' | 'json'

/** Rows as one text. A table begins with a byte order mark, without which spreadsheets take UTF-8 for something else. */
export function formatRows(rows: Rows, format: Format): string {
  if (format === 'json') return `${JSON.stringify(rows, null, 2)}\n`
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = rows.map((row) => columns.map((column) => cellOf((row as Record<string, unknown>)[column])))
  return `\uFEFF${[columns.map(cellOf), ...lines].map((line) => `${line.join(',')}\r\n`).join('')}`
}

function cellOf(value: unknown): string {
  const text = textOf(value)
  // What begins so is a formula to a spreadsheet, whoever wrote it.
  const harmless = /^[=+\-@\t\r]/.test(text) && typeof value !== 'number' ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) return value.join(' ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Hands a text to the reader as a file. */
export function saveFile(name: string, text: string, type = 'text/plain'): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }))
  Object.assign(document.createElement('a'), { href: url, download: name }).click()
  URL.revokeObjectURL(url)
}
