import { Check, Copy, Terminal } from 'lucide-react'
import { useState } from 'react'
import { useWords } from '@/shared/words'
import { IconButton } from './button'
import styles from './command.module.css'
import { words } from './words'

/** The command and the HTTP request that do what the page is about to do: every action shows it. */
export function CommandHint({ cli, api }: { cli: string; api?: string }) {
  const say = useWords(words)
  return (
    <details className={styles['hint']}>
      <summary>
        <Terminal size={14} aria-hidden /> {say('command-title')}
      </summary>
      <CommandLine label={say('command-cli')} text={cli} />
      {api && <CommandLine label={say('command-api')} text={api} />}
    </details>
  )
}

/** A command to be typed in a terminal, whole, and a button that copies it. */
export function CommandLine({ label, text }: { label?: string; text: string }) {
  return (
    <div className={styles['line']}>
      {label && <span className="visually-hidden">{label}</span>}
      <code>{text}</code>
      <CopyButton text={text} />
    </div>
  )
}

/** Copies a text to the clipboard and says so. */
export function CopyButton({ text }: { text: string }) {
  const say = useWords(words)
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
  }
  return (
    <IconButton label={say(isCopied ? 'copied' : 'copy')} onClick={() => void copy()} onBlur={() => setCopied(false)}>
      {isCopied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
    </IconButton>
  )
}
