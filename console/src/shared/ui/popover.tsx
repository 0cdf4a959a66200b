import { type ComponentProps, type ReactNode, useEffect, useRef, useState } from 'react'
import { Button, IconButton } from './button'
import styles from './popover.module.css'

/** Whether a panel is open; Escape and a press elsewhere than in `anchor` (its button and itself) close it. */
export function usePanel() {
  const [isOpen, setOpen] = useState(false)
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!isOpen) return
    const onPress = (event: PointerEvent) => {
      if (event.target instanceof Node && !ref.current?.contains(event.target)) setOpen(false)
    }
    window.addEventListener('pointerdown', onPress)
    return () => window.removeEventListener('pointerdown', onPress)
  }, [isOpen])
  const close = () => {
    setOpen(false)
    ref.current?.querySelector('button')?.focus()
  }
  const onKeyDown = (event: { key: string }) => {
    if (event.key === 'Escape' && isOpen) close()
  }
  return { isOpen, toggle: () => setOpen(!isOpen), close, anchor: { ref, onKeyDown } }
}

/** A button that opens a panel below it; Escape, a press elsewhere and `close` close it. */
export function Popover({
  label,
  button,
  isIcon = false,
  isWide = false,
  children,
  ...rest
}: {
  /** The panel's name. */
  label: string
  /** What the button shows. */
  button: ReactNode
  /** The button is an icon, with the panel's name. */
  isIcon?: boolean
  /** The panel is for entries that explain themselves; they come up to its edges. */
  isWide?: boolean
  children: (close: () => void) => ReactNode
} & Omit<ComponentProps<typeof Button>, 'children'>) {
  const { isOpen, toggle, close, anchor } = usePanel()
  const [opensRight, setOpensRight] = useState(false)
  const onClick = () => {
    // A wide panel that ends with its button would leave the page where the button stands left.
    setOpensRight(isWide && (anchor.ref.current?.getBoundingClientRect().left ?? 0) < window.innerWidth / 2)
    toggle()
  }
  const panel = [styles['panel'], isWide && styles['wide'], opensRight && styles['right']].filter(Boolean).join(' ')
  return (
    <div {...anchor} className={styles['anchor']}>
      {isIcon ? (
        <IconButton {...rest} label={label} aria-expanded={isOpen} onClick={onClick}>
          {button}
        </IconButton>
      ) : (
        <Button {...rest} aria-expanded={isOpen} onClick={onClick}>
          {button}
        </Button>
      )}
      {isOpen && (
        <section className={panel} aria-label={label}>
          {children(close)}
        </section>
      )}
    </div>
  )
}
