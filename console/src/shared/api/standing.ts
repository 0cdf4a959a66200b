/**
 * How what the server leans on stands: engine, store, the watch of the cluster (docs/http-api.md, `status`). Streams tell it
 * by events beside their own, so that it costs no connection where a page follows something anyway.
 */
import { useSyncExternalStore } from 'react'

export type Part = 'engine' | 'store' | 'watch'
export const PARTS: readonly Part[] = ['engine', 'watch', 'store']

export interface Stand {
  state: 'present' | 'away' | 'none'
  /** Since when, RFC 3339. */
  since: string
  /** The code of what keeps it away. */
  problem: string | null
}
export type Standing = Readonly<Record<Part, Stand>>

export const STATUS = 'status'
export const STATUS_STREAM = '/api/haori/v1/status/stream'

let current: Standing | null = null
let carriers = 0
const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function tellAll(): void {
  for (const each of listeners) each()
}

/** What a stream said just now; null forgets it. */
export function hearStanding(data: unknown): void {
  current = data as Standing | null
  tellAll()
}

/** Counts a stream that tells of it until the function returned is called. */
export function carryStanding(): () => void {
  carriers += 1
  tellAll()
  return () => {
    carriers -= 1
    tellAll()
  }
}

/** Null while nothing is known. */
export function useStanding(): Standing | null {
  return useSyncExternalStore(subscribe, () => current)
}

/** Whether any stream tells of it now. */
export function useIsCarried(): boolean {
  return useSyncExternalStore(subscribe, () => carriers > 0)
}

/** What is away, what matters most to a reader first. */
export function awayParts(standing: Standing | null): Part[] {
  return standing === null ? [] : PARTS.filter((part) => standing[part].state === 'away')
}

/** Whether lists and applications are shown as they are now: nobody keeps them true without engine and watch. */
export function isCurrent(standing: Standing | null): boolean {
  return awayParts(standing).every((part) => part === 'store')
}
