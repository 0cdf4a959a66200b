/**
 * The marks of sync status, health and operation phase: one table says their colour and icon, used everywhere.
 * Status is never told by colour alone: each has a shape of its own and its word (visible, or for screen readers).
 */
import {
  ArrowUpCircle,
  Ban,
  CheckCircle2,
  CircleDashed,
  CirclePause,
  HelpCircle,
  LoaderCircle,
  type LucideIcon,
  OctagonX,
  XCircle,
} from 'lucide-react'
import { useWords } from '@/shared/words'
import styles from './status.module.css'
import { words } from './words'

type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle'

const MARKS = {
  Synced: ['good', CheckCircle2],
  OutOfSync: ['warn', ArrowUpCircle],
  Healthy: ['good', CheckCircle2],
  Progressing: ['busy', LoaderCircle],
  Degraded: ['bad', XCircle],
  Suspended: ['idle', CirclePause],
  Missing: ['warn', CircleDashed],
  Running: ['busy', LoaderCircle],
  Succeeded: ['good', CheckCircle2],
  Failed: ['bad', OctagonX],
  Error: ['bad', OctagonX],
  Terminating: ['warn', Ban],
  Unknown: ['idle', HelpCircle],
} as const satisfies Record<string, readonly [Tone, LucideIcon]>

export type Word = keyof typeof MARKS

/** The word of a status as the table has it; what a newer server might say is Unknown. */
export function wordOf(status: string): Word {
  return status in MARKS ? (status as Word) : 'Unknown'
}

export function toneOf(status: string): Tone {
  return MARKS[wordOf(status)][0]
}

/** A status as icon and word, or (`icon`) the icon alone with the word for screen readers and as a tooltip. */
export function Status({ value, variant = 'full' }: { value: string; variant?: 'full' | 'icon' | 'chip' }) {
  const say = useWords(words)
  const word = wordOf(value)
  const [tone, Icon] = MARKS[word]
  const text = say(word)
  return (
    <span className={`${styles['status']} ${styles[tone]} ${variant === 'chip' ? styles['chip'] : ''}`} title={text}>
      <Icon size={16} aria-hidden className={tone === 'busy' ? styles['turning'] : undefined} />
      <span className={variant === 'icon' ? 'visually-hidden' : undefined}>{text}</span>
    </span>
  )
}
