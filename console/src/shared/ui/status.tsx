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
import type { ReactNode } from 'react'
import { useWords } from '@/shared/words'
import styles from './status.module.css'
import { words } from './words'

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle'

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

/** A status as icon and word, (`icon`) the icon with the word for screen readers and as a tooltip, or the word alone. */
export function Status({ value, variant = 'full' }: { value: string; variant?: 'full' | 'icon' | 'chip' | 'word' }) {
  const say = useWords(words)
  const word = wordOf(value)
  const [tone, icon] = MARKS[word]
  const text = say(word)
  if (variant === 'word') return text
  return (
    <Mark tone={tone} icon={icon} isChip={variant === 'chip'} title={text}>
      <span className={variant === 'icon' ? 'visually-hidden' : undefined}>{text}</span>
    </Mark>
  )
}

/** An icon and a word in the colour of their tone; what is busy turns. */
export function Mark({
  tone,
  icon: Icon,
  size = 16,
  isChip = false,
  title,
  children,
}: {
  tone: Tone
  icon: LucideIcon
  size?: number
  isChip?: boolean
  title?: string | undefined
  children: ReactNode
}) {
  return (
    <span className={`${styles['status']} ${styles[tone]} ${isChip ? styles['chip'] : ''}`} title={title}>
      <Icon size={size} aria-hidden className={tone === 'busy' ? 'turning' : undefined} />
      {children}
    </span>
  )
}
