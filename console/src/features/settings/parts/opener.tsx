import styles from './opener.module.css'

/** The name of a thing in a list; it opens the thing beside the list. */
export function Opener({ onOpen, children }: { onOpen: () => void; children: string }) {
  return (
    <button type="button" className={styles['opener']} onClick={onOpen}>
      {children}
    </button>
  )
}
