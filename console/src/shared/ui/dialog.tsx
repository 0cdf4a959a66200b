import { X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { useWords } from '@/shared/words'
import { IconButton } from './button'
import styles from './dialog.module.css'
import { words } from './words'

/** Where a dialog that asks for something begins. */
const FIRST_FIELD = ':is(input:not([type=checkbox], [type=radio]), textarea):not([disabled])'

/**
 * A modal dialog (`side`: at the edge, for details beside a page). The browser's own element keeps focus inside, closes
 * on Escape and gives focus back; a click beside it closes it. What is asked for first has the focus when it opens.
 */
export function Dialog({
  title,
  onClose,
  children,
  footer,
  look = 'middle',
}: {
  title: ReactNode
  onClose: () => void
  children: ReactNode
  footer?: ReactNode
  look?: 'middle' | 'wide' | 'side' | 'top'
}) {
  const element = useRef<HTMLDialogElement>(null)
  const heading = useId()
  const say = useWords(words)
  useEffect(() => {
    const dialog = element.current
    if (dialog && !dialog.open) dialog.showModal()
    // The browser begins at the first button, which closes; and React's autoFocus came before the dialog was shown.
    dialog?.querySelector<HTMLElement>(FIRST_FIELD)?.focus()
    return () => dialog?.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog already; the click is for the mouse.
    <dialog
      ref={element}
      className={`${styles['dialog']} ${styles[look]}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => event.target === element.current && onClose()}
    >
      <div className={styles['inside']}>
        <header className={styles['head']}>
          <h2 id={heading}>{title}</h2>
          <IconButton label={say('close')} onClick={onClose}>
            <X size={18} aria-hidden />
          </IconButton>
        </header>
        <div className={styles['body']}>{children}</div>
        {footer && <footer className={styles['foot']}>{footer}</footer>}
      </div>
    </dialog>
  )
}
