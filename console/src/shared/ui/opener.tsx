import styles from './opener.module.css'

/** The name of a thing in a list; it opens the thing beside the list. */
export function Opener({ onOpen, title, children }: { onOpen: () => void; title?: string; children: string }) {
  return (
    <button type="button" className={styles['opener']} title={title} onClick={onOpen}>
      {children}
    </button>
  )
}
