import { useId, useState } from 'react'
import { useWords } from '@/shared/words'
import styles from './term.module.css'
import { words } from './words'

export type TermName =
  | 'sync'
  | 'prune'
  | 'health'
  | 'refresh'
  | 'revision'
  | 'pin'
  | 'hook'
  | 'wave'
  | 'application'
  | 'project'
  | 'self-heal'

/** A word of the trade that explains itself where it stands: on hover, focus or tap. */
export function Term({ name, children }: { name: TermName; children: string }) {
  const say = useWords(words)
  const [isOpen, setOpen] = useState(false)
  const id = useId()
  return (
    <span className={styles['term']}>
      <button
        type="button"
        className={styles['word']}
        aria-expanded={isOpen}
        aria-describedby={isOpen ? id : undefined}
        title={say(`term-${name}`)}
        onClick={() => setOpen(!isOpen)}
        onBlur={() => setOpen(false)}
        onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}
      >
        {children}
      </button>
      {isOpen && (
        <span id={id} role="tooltip" className={styles['text']}>
          {say(`term-${name}`)}
        </span>
      )}
    </span>
  )
}
