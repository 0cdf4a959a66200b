/** Reads logs of an application's Pods: a stream of JSON lines, as Argo CD writes them. */
import { useEffect, useState } from 'react'
import { send, urlOf } from '@/shared/api/client'
import type { AppRef } from '@/shared/api/types'
import type { LogLine } from './lines'

/** Whose logs: one Pod, or all Pods below an object; nothing named means all of the application. */
export interface LogTarget {
  podName?: string
  group?: string
  kind?: string
  resourceName?: string
  namespace?: string
}

export interface LogOptions {
  container: string
  follow: boolean
  previous: boolean
  tailLines: number
  sinceSeconds: number
}

/** Lines kept in the page; older ones make room, the download has all. */
export const KEPT_LINES = 20_000
const SHOWN_EVERY_MS = 150

interface Entry {
  result?: { content?: string; timeStampStr?: string; podName?: string; containerName?: string; last?: boolean }
  error?: { message?: string }
}

export function logsUrl(app: AppRef, target: LogTarget, options: LogOptions): string {
  return urlOf(`/api/v1/applications/${encodeURIComponent(app.name)}/logs`, {
    appNamespace: app.namespace,
    ...target,
    ...options,
    sinceSeconds: options.sinceSeconds || undefined,
  })
}

/** The lines of one chunk after another; a line that is cut waits for its rest. Raises Error for what the server says failed. */
export class LineReader {
  private rest = ''
  private next = 0

  read(chunk: string): LogLine[] {
    const parts = (this.rest + chunk).split('\n')
    this.rest = parts.pop() ?? ''
    return parts.flatMap((part) => this.line(part))
  }

  private line(part: string): LogLine[] {
    if (!part.trim()) return []
    const entry = JSON.parse(part) as Entry
    if (entry.error) throw new Error(entry.error.message ?? part)
    if (!entry.result || entry.result.last) return []
    const { content = '', timeStampStr = '', podName = '', containerName = '' } = entry.result
    return [{ id: this.next++, time: timeStampStr, pod: podName, container: containerName, text: content }]
  }
}

export interface Reading {
  lines: readonly LogLine[]
  /** Older lines that made room. */
  dropped: number
  state: 'reading' | 'ended' | 'failed'
  error: unknown
}

const NOTHING: Reading = { lines: [], dropped: 0, state: 'reading', error: null }

/** Reads `url` until its end, or while the caller is shown; what comes is shown a few times a second. */
export function useLogs(url: string): Reading {
  const [reading, setReading] = useState<Reading>(NOTHING)
  useEffect(() => {
    const abort = new AbortController()
    let waiting: LogLine[] = []
    setReading(NOTHING)
    const flush = () => {
      if (waiting.length === 0) return
      const came = waiting
      waiting = []
      setReading((before) => keep(before, came))
    }
    const timer = setInterval(flush, SHOWN_EVERY_MS)
    const end = (state: Reading['state'], error: unknown = null) => {
      if (abort.signal.aborted) return
      flush()
      setReading((before) => ({ ...before, state, error }))
    }
    follow(url, abort.signal, (lines) => waiting.push(...lines)).then(
      () => end('ended'),
      (error: unknown) => end('failed', error),
    )
    return () => {
      clearInterval(timer)
      abort.abort()
    }
  }, [url])
  return reading
}

function keep(before: Reading, came: readonly LogLine[]): Reading {
  const lines = [...before.lines, ...came]
  const over = Math.max(0, lines.length - KEPT_LINES)
  return { ...before, lines: over ? lines.slice(over) : lines, dropped: before.dropped + over }
}

async function follow(url: string, signal: AbortSignal, onLines: (lines: LogLine[]) => void): Promise<void> {
  const response = await send(url, { signal, isStream: true })
  if (!response.body) return
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  const lines = new LineReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    onLines(lines.read(value))
  }
}
