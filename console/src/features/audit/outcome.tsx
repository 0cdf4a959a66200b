/** How a change ended: done (good), refused (warn), failed (bad); a shape and a word beside the colour. */
import { Ban, CheckCircle2, HelpCircle, XCircle } from 'lucide-react'
import { Mark } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { words } from './words'

const MARKS = {
  done: ['good', CheckCircle2],
  refused: ['warn', Ban],
  failed: ['bad', XCircle],
} as const

export function Outcome({ value }: { value: string }) {
  const say = useWords(words)
  const isKnown = (each: string): each is keyof typeof MARKS => each in MARKS
  const [tone, icon] = isKnown(value) ? MARKS[value] : (['idle', HelpCircle] as const)
  return (
    <Mark tone={tone} icon={icon}>
      {isKnown(value) ? say(value) : value}
    </Mark>
  )
}
