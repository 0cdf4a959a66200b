import { X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { useWords } from '@/shared/words'
import { IconButton } from './button'
import styles from './dialog.module.css'
import { words } from './words'

/**
 * A modal dialog (`side`: at the edge, for details beside a page). The browser's own element keeps focus inside, closes
 * on Escape and gives focus back; a click beside it closes it.
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
