/** Short notes about what just happened; screen readers hear them, failures stay until they are closed. */
import { X } from 'lucide-react'
import { useSyncExternalStore } from 'react'
import { ApiError } from '@/shared/api/client'
import { useWords } from '@/shared/words'
import { IconButton } from './button'
import styles from './notes.module.css'
import { words } from './words'

interface Note {
  id: number
  text: string
  hint: string
  isFailure: boolean
}

const LASTS_MS = 6000
let notes: readonly Note[] = []
let next = 0
const listeners = new Set<() => void>()

function change(to: readonly Note[]): void {
  notes = to
  for (const listener of listeners) listener()
}

function add(text: string, hint: string, isFailure: boolean): void {
  const id = next++
  change([...notes.slice(-3), { id, text, hint, isFailure }])
  if (!isFailure) setTimeout(() => drop(id), LASTS_MS)
}

function drop(id: number): void {
  change(notes.filter((each) => each.id !== id))
}

/** `said` tells what was done; `failed` what was not, as the server says it. */
export function useNotes() {
  return {
    said: (text: string) => add(text, '', false),
    failed: (error: unknown) =>
      add(error instanceof Error ? error.message : String(error), error instanceof ApiError ? error.hint : '', true),
  }
}

/** Where notes appear; stands once, in the shell. */
export function Notes() {
  const say = useWords(words)
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => notes,
  )
  return (
    <div className={styles['notes']} aria-live="polite" role="status">
      {shown.map((note) => (
        <div key={note.id} className={`${styles['note']} ${note.isFailure ? styles['failure'] : ''}`}>
          <div>
            <p>{note.text}</p>
            {note.hint && <p className={styles['hint']}>{note.hint}</p>}
          </div>
          <IconButton label={say('close')} onClick={() => drop(note.id)}>
            <X size={16} aria-hidden />
          </IconButton>
        </div>
      ))}
    </div>
  )
}
