import { type ComponentProps, type ReactNode, useEffect, useRef, useState } from 'react'
import { Button } from './button'
import styles from './popover.module.css'

/** A button that opens a panel below it; Escape, a click elsewhere and `close` close it. */
export function Popover({
  label,
  button,
  children,
  ...rest
}: {
  /** The panel's name. */
  label: string
  /** What the button shows. */
  button: ReactNode
  children: (close: () => void) => ReactNode
} & Omit<ComponentProps<typeof Button>, 'children'>) {
  const [isOpen, setOpen] = useState(false)
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!isOpen) return
    const onPress = (event: PointerEvent) => {
      if (event.target instanceof Node && !element.current?.contains(event.target)) setOpen(false)
    }
    window.addEventListener('pointerdown', onPress)
    return () => window.removeEventListener('pointerdown', onPress)
  }, [isOpen])
  const close = () => {
    setOpen(false)
    element.current?.querySelector('button')?.focus()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what the button opened.
    <div ref={element} className={styles['anchor']} onKeyDown={(event) => event.key === 'Escape' && isOpen && close()}>
      <Button {...rest} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {button}
      </Button>
      {isOpen && (
        <section className={styles['panel']} aria-label={label}>
          {children(close)}
        </section>
      )}
    </div>
  )
}
