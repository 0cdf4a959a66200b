import { useAllCommands } from '@/shared/commands'
import { Dialog } from '@/shared/ui'
import { useWords } from '@/shared/words'
import styles from './key-list.module.css'
import { words } from './words'

/** Every key that works here. */
export function KeyList({ onClose }: { onClose: () => void }) {
  const say = useWords(words)
  const commands = useAllCommands().filter((command) => command.keys)
  return (
    <Dialog title={say('keys-title')} onClose={onClose}>
      <dl className={styles['keys']}>
        {commands.map((command) => (
          <div key={command.id}>
            <dt>
              {command.keys?.split(' ').map((stroke, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: strokes never change their order.
                <kbd key={index}>{stroke.replace('mod+', 'Ctrl+')}</kbd>
              ))}
            </dt>
            <dd>{command.title}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
