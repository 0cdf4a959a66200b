/**
 * What can be done right now, by name and by key. Pages register their commands while they are shown; the palette lists
 * them, the keyboard runs them, `?` explains them. Keys are written as `r`, `shift+r`, `mod+k` (Ctrl, or Cmd on a Mac) or
 * as two strokes, `g a`.
 */
import { useEffect, useRef, useSyncExternalStore } from 'react'

export interface Command {
  id: string
  title: string
  group: string
  keys?: string
  run: () => void
}

const registered = new Map<symbol, readonly Command[]>()
const listeners = new Set<() => void>()
let all: readonly Command[] = []

function changed(): void {
  // Later pages win: the same id twice is the same command, closer to where the reader is.
  const byId = new Map([...registered.values()].flat().map((command) => [command.id, command]))
  all = [...byId.values()]
  for (const listener of listeners) listener()
}

/** Offers commands while the caller is shown. */
export function useCommands(commands: readonly Command[]): void {
  const latest = useRef(commands)
  latest.current = commands
  const shape = commands.map((each) => `${each.id} ${each.title} ${each.keys ?? ''}`).join('\n')
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` says whether what is offered has changed.
  useEffect(() => {
    const key = Symbol('commands')
    const offered = latest.current.map((each) => ({
      ...each,
      run: () => latest.current.find((command) => command.id === each.id)?.run(),
    }))
    registered.set(key, offered)
    changed()
    return () => {
      registered.delete(key)
      changed()
    }
  }, [shape])
}

export function useAllCommands(): readonly Command[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => all,
  )
}

type Stroke = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>

/** One stroke as `keys` write it. */
export function strokeOf(event: Stroke): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  const isLetter = /^[a-z]$/.test(key)
  return [
    event.ctrlKey || event.metaKey ? 'mod+' : '',
    event.altKey ? 'alt+' : '',
    event.shiftKey && isLetter ? 'shift+' : '',
    key,
  ].join('')
}

/** Which command the strokes so far mean, and whether more may come. */
export function resolveKeys(strokes: string, commands: readonly Command[]): { command?: Command; isPrefix: boolean } {
  const command = commands.find((each) => each.keys === strokes)
  const isPrefix = commands.some((each) => each.keys?.startsWith(`${strokes} `))
  return command ? { command, isPrefix } : { isPrefix }
}

const BETWEEN_STROKES_MS = 1200

/** Runs commands by key, everywhere but in fields and dialogs. Stands once, in the shell. */
export function useKeyboard(): void {
  const commands = useAllCommands()
  const latest = useRef(commands)
  latest.current = commands
  useEffect(() => {
    let before = ''
    let at = 0
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isTyping(event.target)) return
      const stroke = strokeOf(event)
      const strokes = before && event.timeStamp - at < BETWEEN_STROKES_MS ? `${before} ${stroke}` : stroke
      const { command, isPrefix } = resolveKeys(strokes, latest.current)
      before = isPrefix ? strokes : ''
      at = event.timeStamp
      if (!command) return
      event.preventDefault()
      command.run()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false
  return target.closest('input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]') !== null
}
