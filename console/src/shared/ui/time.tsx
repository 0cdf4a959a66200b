import { useSyncExternalStore } from 'react'
import { fill, useLanguage, useWords } from '@/shared/words'
import { words } from './words'

// One clock for all times on a page: a list of a thousand ages costs one timer.
let now = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of listeners) each()
  }, 10_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** The largest whole unit of so many seconds: [unit, count]; null below ten seconds. */
export function unitOf(seconds: number): ['seconds' | 'minutes' | 'hours' | 'days', number] | null {
  if (seconds < 10) return null
  if (seconds < 60) return ['seconds', Math.floor(seconds)]
  if (seconds < 3600) return ['minutes', Math.floor(seconds / 60)]
  if (seconds < 86_400) return ['hours', Math.floor(seconds / 3600)]
  return ['days', Math.floor(seconds / 86_400)]
}

/** How long ago something was; the exact time stands in its tooltip. `at` is RFC 3339, empty for never. */
export function Ago({ at }: { at: string | undefined }) {
  const say = useWords(words)
  const language = useLanguage()
  const current = useSyncExternalStore(subscribe, () => now)
  const instant = at ? Date.parse(at) : Number.NaN
  if (Number.isNaN(instant)) return <span>–</span>
  const unit = unitOf(Math.max(0, (Math.max(current, Date.now()) - instant) / 1000))
  const text = unit ? say('ago', { time: say(unit[0], { n: unit[1] }) }) : say('just-now')
  return (
    <time dateTime={at} title={new Date(instant).toLocaleString(language)}>
      {text}
    </time>
  )
}

/** A span of time in words, such as `42 s` or `3 min`. */
export function useDuration(): (seconds: number) => string {
  const table = words[useLanguage()]
  return (seconds) => {
    const [unit, n] = unitOf(seconds) ?? ['seconds', Math.round(seconds * 10) / 10]
    return fill(table[unit], { n })
  }
}
