import type { ReactNode } from 'react'
import styles from './callout.module.css'

/** What a reader should not miss on a page: something to know (busy), to mind (warn), or that went wrong (bad). */
export function Callout({
  tone,
  role,
  children,
}: {
  tone: 'busy' | 'warn' | 'bad'
  role?: 'alert' | 'status'
  children: ReactNode
}) {
  return (
    <div role={role} className={`${styles['callout']} ${styles[tone]}`}>
      {children}
    </div>
  )
}
