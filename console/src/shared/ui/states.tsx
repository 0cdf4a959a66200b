/** What a view shows while it has nothing to show: loading, empty, refused, failed. */
import { AlertTriangle, LoaderCircle, Lock } from 'lucide-react'
import type { ReactNode } from 'react'
import { ApiError } from '@/shared/api/client'
import { useWords } from '@/shared/words'
import { Button } from './button'
import styles from './states.module.css'
import { words } from './words'

export function Loading() {
  const say = useWords(words)
  return (
    <div className={styles['state']} role="status">
      <LoaderCircle size={20} aria-hidden />
      {say('loading')}
    </div>
  )
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={styles['state']}>
      <strong>{title}</strong>
      {children}
    </div>
  )
}

/** A failed request: what the server said, what to do, and a way to try again. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const say = useWords(words)
  const isAway = error instanceof ApiError && error.status === 0
  const isForbidden = error instanceof ApiError && error.status === 403
  const text = isAway ? say('offline') : error instanceof Error ? error.message : String(error)
  const hint = isAway ? say('offline-hint') : error instanceof ApiError ? error.hint : ''
  const Icon = isForbidden ? Lock : AlertTriangle
  return (
    <div className={`${styles['state']} ${styles['failure']}`} role="alert">
      <Icon size={20} aria-hidden />
      <p>{text}</p>
      {hint && <p className={styles['hint']}>{hint}</p>}
      {onRetry && <Button onClick={onRetry}>{say('retry')}</Button>}
    </div>
  )
}

/** A query's answer, or what stands in for it. */
export function Loaded<Data>({
  query,
  children,
}: {
  query: { data: Data | undefined; error: unknown; refetch: () => unknown }
  children: (data: Data) => ReactNode
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>
  if (query.error) return <Failure error={query.error} onRetry={() => void query.refetch()} />
  return <Loading />
}
