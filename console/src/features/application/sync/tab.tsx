import { useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { Empty } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import { isRunning } from './plan'
import { Planner } from './planner'
import { Run } from './run'
import styles from './tab.module.css'
import { words } from './words'

/** Syncing: the plan before, the same plan filling in while it runs, and what the last one did. */
export function SyncTab({ application }: { application: Application }) {
  const say = useWords(words)
  const [params, setParams] = useSearchParams()
  const [watched, setWatched] = useState('')
  const state = application.status?.operationState
  const isGoing = state !== undefined && isRunning(state)
  const begun = state?.startedAt ?? ''
  if (isGoing && watched !== begun) setWatched(begun)
  const plan = () => {
    setWatched('')
    setParams({}, { replace: true })
  }
  if (isGoing) return <Run application={application} state={state} onPlan={plan} />
  if (application.operation) return <Planner application={application} />
  // What somebody has watched stays when it ends, until they go on.
  const isLast = params.get('view') === 'last' || (watched !== '' && watched === begun)
  return (
    <div className={styles['tab']}>
      <nav className={styles['views']} aria-label={say('view')}>
        <Link to="?" replace onClick={() => setWatched('')} aria-current={isLast ? undefined : 'page'}>
          {say('plan-again')}
        </Link>
        <Link to="?view=last" replace aria-current={isLast ? 'page' : undefined}>
          {say('last-sync')}
        </Link>
      </nav>
      {!isLast ? (
        <Planner application={application} />
      ) : state ? (
        <Run application={application} state={state} onPlan={plan} />
      ) : (
        <Empty title={say('never-synced')} />
      )}
    </div>
  )
}
