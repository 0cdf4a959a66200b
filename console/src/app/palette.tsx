import { type KeyboardEvent, useId, useState } from 'react'
import { type Command, useAllCommands } from '@/shared/commands'
import { Dialog } from '@/shared/ui'
import { useWords } from '@/shared/words'
import styles from './palette.module.css'
import { rank } from './palette-ranking'
import { words } from './words'

const SHOWN = 12

/** Everything by its name: pages, actions of the page, preferences. */
export function Palette({ onClose }: { onClose: () => void }) {
  const say = useWords(words)
  const list = useId()
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  const found = rank(useAllCommands(), text).slice(0, SHOWN)
  const run = (command: Command | undefined) => {
    if (!command) return
    onClose()
    command.run()
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter') run(found[chosen])
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0 || found.length === 0) return
    event.preventDefault()
    setChosen((chosen + step + found.length) % found.length)
  }
  return (
    <Dialog title={say('palette')} onClose={onClose} look="top">
      <input
        className={styles['input']}
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={found[chosen] ? `${list}-${chosen}` : undefined}
        aria-label={say('palette')}
        placeholder={say('palette-placeholder')}
        autoFocus
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setChosen(0)
        }}
        onKeyDown={onKey}
      />
      <div role="listbox" id={list} aria-label={say('palette')} className={styles['list']}>
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above keeps the focus and handles the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: see above.
          <div
            key={command.id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className={styles['option']}
            onClick={() => run(command)}
          >
            <span className={styles['group']}>{command.group}</span>
            <span className={styles['title']}>{command.title}</span>
            {command.keys && <kbd>{command.keys}</kbd>}
          </div>
        ))}
      </div>
      {found.length === 0 && <p role="status">{say('palette-none')}</p>}
    </Dialog>
  )
}
