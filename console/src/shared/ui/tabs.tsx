import { useLayoutEffect, useRef } from 'react'
import { Link } from 'react-router'
import styles from './tabs.module.css'

export interface Tab {
  id: string
  label: string
  to: string
  count?: number | undefined
}

/** Places beside one another, each with an address of its own. Where they do not fit, the one that is open is in sight. */
export function Tabs({ label, tabs, current }: { label: string; tabs: readonly Tab[]; current: string }) {
  const strip = useRef<HTMLElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is in sight follows what is open.
  useLayoutEffect(() => {
    const open = strip.current?.querySelector<HTMLElement>('[aria-current]')
    if (!strip.current || !open) return
    // Not scrollIntoView: it would move the page as well.
    strip.current.scrollLeft = open.offsetLeft - (strip.current.clientWidth - open.offsetWidth) / 2
  }, [current])
  return (
    <nav ref={strip} aria-label={label} className={styles['tabs']}>
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
