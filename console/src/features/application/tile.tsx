import type { ReactNode } from 'react'
import { useSelection } from './selection'
import styles from './tile.module.css'

/** An object as a tile that opens its panel; one that is not known (null) is shown and opens nothing. */
export function Tile({ of: key, children }: { of: string | null; children: ReactNode }) {
  const selection = useSelection()
  return (
    <button
      type="button"
      className={styles['tile']}
      aria-current={(key !== null && selection.key === key) || undefined}
      disabled={key === null}
      onClick={() => key !== null && selection.open(key)}
    >
      {children}
    </button>
  )
}
