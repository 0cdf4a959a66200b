/**
 * Server-sent events that begin again by themselves. The browser's EventSource sends the last event's id when it comes
 * again, so a stream with a cursor goes on where it was; one that was refused is tried anew with growing pauses.
 */
import { useEffect, useRef, useState } from 'react'

export type Handlers = Readonly<Record<string, (data: unknown) => void>>
/** `connecting` counts as fine for the first moments; `lost` is shown to the reader. */
export type StreamState = 'connecting' | 'open' | 'lost'

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000

/** Follows `url` (null: nothing) and hands each named event's JSON to its handler. */
export function useStream(url: string | null, handlers: Handlers): StreamState {
  const latest = useRef(handlers)
  latest.current = handlers
  const [state, setState] = useState<StreamState>('connecting')
  const names = Object.keys(handlers).sort().join(' ')

  useEffect(() => {
    if (url === null) return
    let source: EventSource | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let pause = FIRST_PAUSE_MS
    const open = () => {
      source = new EventSource(url)
      source.onopen = () => {
        pause = FIRST_PAUSE_MS
        setState('open')
      }
      source.onerror = () => {
        setState('lost')
        if (source?.readyState !== EventSource.CLOSED) return // It comes again by itself.
        timer = setTimeout(open, pause)
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
      }
      for (const name of names.split(' ')) {
        source.addEventListener(name, (event) => latest.current[name]?.(JSON.parse((event as MessageEvent).data)))
      }
    }
    setState('connecting')
    open()
    return () => {
      clearTimeout(timer)
      source?.close()
    }
  }, [url, names])
  return state
}
