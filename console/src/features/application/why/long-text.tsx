import { type ReactNode, useState } from 'react'
import { useWords } from '@/shared/words'
import { beginningOf, partsOf } from './facts'
import styles from './long-text.module.css'
import { words } from './words'

const LONG = 220

/** What clusters say may be long: the beginning tells most, the rest is one press away. */
export function LongText({ text, most = LONG }: { text: string; most?: number }) {
  return (
    <Shortened text={text} most={most}>
      {(shown) => <Prose text={shown} />}
    </Shortened>
  )
}

/** The beginning of what is long, up to the end of a word, and the whole at a press. */
export function Shortened({
  text,
  most,
  children,
}: {
  text: string
  most: number
  children: (shown: string) => ReactNode
}) {
  const say = useWords(words)
  const [isWhole, setWhole] = useState(false)
  if (text.length <= most) return children(text)
  return (
    <>
      {children(isWhole ? text : `${beginningOf(text, most)} …`)}
      <button type="button" className={styles['more']} onClick={() => setWhole(!isWhole)}>
        {say(isWhole ? 'less' : 'more')}
      </button>
    </>
  )
}

/** A sentence whose `commands` in backticks are set as code. */
function Prose({ text }: { text: string }) {
  return partsOf(text).map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence never change their order.
    index % 2 === 1 ? <code key={index}>{part}</code> : part,
  )
}
