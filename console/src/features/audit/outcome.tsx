/** How a change ended: done (good), refused (warn), failed (bad); a shape and a word beside the colour. */
import { Ban, CheckCircle2, HelpCircle, XCircle } from 'lucide-react'
import { useWords } from '@/shared/words'
import styles from './page.module.css'
import { words } from './words'

const MARKS = {
  done: ['good', CheckCircle2],
  refused: ['warn', Ban],
  failed: ['bad', XCircle],
} as const

export function Outcome({ value }: { value: string }) {
  const say = useWords(words)
  const isKnown = (each: string): each is keyof typeof MARKS => each in MARKS
  const [tone, Icon] = isKnown(value) ? MARKS[value] : (['idle', HelpCircle] as const)
  return (
    <span className={`${styles['outcome']} ${styles[tone]}`}>
      <Icon size={16} aria-hidden />
      {isKnown(value) ? say(value) : value}
    </span>
  )
}
