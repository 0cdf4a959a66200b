import { Link } from 'react-router'
import styles from './tabs.module.css'

export interface Tab {
  id: string
  label: string
  to: string
  count?: number | undefined
}

/** Places beside one another, each with an address of its own. */
export function Tabs({ label, tabs, current }: { label: string; tabs: readonly Tab[]; current: string }) {
  return (
    <nav aria-label={label} className={styles['tabs']}>
      {tabs.map((tab) => (
        <Link
          key={tab.id}
          to={tab.to}
          className={styles['tab']}
          aria-current={tab.id === current ? 'page' : undefined}
          preventScrollReset
        >
          {tab.label}
          {tab.count !== undefined && <span className={styles['count']}>{tab.count}</span>}
        </Link>
      ))}
    </nav>
  )
}
