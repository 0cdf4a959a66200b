/**
 * Server-sent events that begin again by themselves. The browser's EventSource sends the last event's id when it comes
 * again, so a stream with a cursor goes on where it was; one that was refused is tried anew with growing pauses.
 *
 * A browser opens six connections to a host and no more, all tabs together, and every stream holds one: so a tab that
 * nobody sees gives its stream back after a moment, and a page that is left (and kept, to go back to) at once.
 */
import { useEffect, useRef, useState } from 'react'
import { carryStanding, hearStanding, STATUS, STATUS_STREAM } from './standing'

export type Handlers = Readonly<Record<string, (data: unknown) => void>>
/** `connecting` counts as fine for the first moments; `lost` is shown to the reader. */
export type StreamState = 'connecting' | 'open' | 'lost'

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000
const HIDDEN_MS = 5000

/** Follows `url` (null: nothing) and hands each named event's JSON to its handler; every stream tells of `standing` as well. */
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
      source.addEventListener(STATUS, (event) => hearStanding(JSON.parse((event as MessageEvent).data)))
      for (const name of names.split(' ').filter(Boolean)) {
        source.addEventListener(name, (event) => latest.current[name]?.(JSON.parse((event as MessageEvent).data)))
      }
    }
    const close = () => {
      clearTimeout(timer)
      source?.close()
      source = undefined
    }
    const begin = () => {
      close()
      setState('connecting')
      open()
    }
    begin()
    const stopLooking = whenSeen(begin, close)
    const stopCarrying = url === STATUS_STREAM ? undefined : carryStanding()
    return () => {
      stopCarrying?.()
      stopLooking()
      close()
    }
  }, [url, names])
  return state
}

/** Calls `rest` when the page is no longer seen, `resume` when it is again. The function returned ends that. */
function whenSeen(resume: () => void, rest: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let rests = false
  const stop = () => {
    clearTimeout(timer)
    rests = true
    rest()
  }
  const look = () => {
    clearTimeout(timer)
    if (document.hidden) timer = setTimeout(stop, HIDDEN_MS)
    else if (rests) {
      rests = false
      resume()
    }
  }
  document.addEventListener('visibilitychange', look)
  window.addEventListener('pagehide', stop)
  window.addEventListener('pageshow', look)
  look()
  return () => {
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', look)
    window.removeEventListener('pagehide', stop)
    window.removeEventListener('pageshow', look)
  }
}
