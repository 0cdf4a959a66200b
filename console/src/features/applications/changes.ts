/**
 * What the stream of rows tells, laid over the pages that are here. A row that is shown changes at once; where an order, a
 * filter or a figure may have changed with it, what is in view is asked for again, at most every two seconds.
 */
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { urlOf } from '@/shared/api/client'
import { type StreamState, useStream } from '@/shared/api/stream'
import type { Row } from '@/shared/api/types'
import { useLanguage } from '@/shared/words'
import { keyOf, type Listing, PATH, ROWS } from './api'

export interface Changes {
  changed: readonly Row[]
  /** Namespace and name of each. */
  removed: readonly (readonly [string, string])[]
  cursor: string
}

const AGAIN_MS = 2000

/** The listing with its rows as they are now; the very same where none of them changed. */
export function mergeRows(listing: Listing, changed: ReadonlyMap<string, Row>): Listing {
  if (!listing.items.some((row) => changed.has(keyOf(row)))) return listing
  return { ...listing, items: listing.items.map((row) => changed.get(keyOf(row)) ?? row) }
}

/** What decides where a row stands and what it is counted as. When it was looked at last is left out: rows would jump. */
export function standingOf(row: Row): string {
  const { project, cluster, destinationNamespace, health, sync, repo, labels, parent } = row
  return JSON.stringify([project, cluster, destinationNamespace, health, sync, repo, labels, parent])
}

/** Whether the changes may move rows; remembers in `standings` how each row stands. */
export function movesRows(changes: Changes, standings: Map<string, string>): boolean {
  let moves = changes.removed.length > 0
  for (const [namespace, name] of changes.removed) standings.delete(keyOf({ namespace, name }))
  for (const row of changes.changed) {
    const standing = standingOf(row)
    if (standings.get(keyOf(row)) !== standing) moves = true
    standings.set(keyOf(row), standing)
  }
  return moves
}

/** Keeps all rows in the cache true from `cursor` on (undefined: not yet). */
export function useChanges(cursor: string | undefined): StreamState {
  const queries = useQueryClient()
  const language = useLanguage()
  const standings = useRef(new Map<string, string>())
  const again = useAgain(queries)
  const [from, setFrom] = useState(cursor)
  if (from === undefined && cursor !== undefined) setFrom(cursor)
  return useStream(from === undefined ? null : urlOf(`${PATH}/stream`, { cursor: from, language, status: 'true' }), {
    rows: (data) => {
      const changes = data as Changes
      remember(queries, standings.current)
      const moves = movesRows(changes, standings.current)
      const changed = new Map(changes.changed.map((row) => [keyOf(row), row]))
      queries.setQueriesData<Listing>({ queryKey: ROWS }, (listing) => listing && mergeRows(listing, changed))
      if (moves) again()
    },
    reset: () => again(),
  })
}

function remember(queries: QueryClient, standings: Map<string, string>): void {
  for (const [, listing] of queries.getQueriesData<Listing>({ queryKey: ROWS })) {
    for (const row of listing?.items ?? []) {
      if (!standings.has(keyOf(row))) standings.set(keyOf(row), standingOf(row))
    }
  }
}

/** Asks for what is in view again: soon, and not again before that is done. */
function useAgain(queries: QueryClient): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  return () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      void queries.invalidateQueries({ queryKey: ROWS })
    }, AGAIN_MS)
  }
}
