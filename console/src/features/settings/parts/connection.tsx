/**
 * Whether something answered when it was last asked: Argo CD's words `Successful`, `Failed`, `Unknown`. Said by a word and
 * a shape, never by colour alone.
 */
import { CheckCircle2, HelpCircle, XCircle } from 'lucide-react'
import { Mark } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { words } from './words'

export interface ConnectionState {
  status: string
  message: string
  attemptedAt: string | null
}

const MARKS = {
  Successful: ['good', CheckCircle2, 'connected'],
  Failed: ['bad', XCircle, 'not-connected'],
  Unknown: ['idle', HelpCircle, 'not-asked'],
} as const

export function Connection({ state }: { state: ConnectionState | undefined }) {
  const say = useWords(words)
  const status = state && state.status in MARKS ? (state.status as keyof typeof MARKS) : 'Unknown'
  const [tone, icon, key] = MARKS[status]
  return (
    <Mark tone={tone} icon={icon} title={state?.message || undefined}>
      {say(key)}
    </Mark>
  )
}
