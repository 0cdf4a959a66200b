import { useEffect, useState } from 'react'
import { Link } from 'react-router'
import { useAddress } from '@/shared/address'
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
  const { params, put } = useAddress()
  // Ticks are of the plan that is shown; they outlast a dry run of it, which takes its place for a while.
  const [without, setWithout] = useState<ReadonlySet<string>>(new Set())
  const state = application.status?.operationState
  const isLast = params.get('view') === 'last'
  // Who watches a sync finds its outcome in its place; a dry run's stands in the plan, to go on from there.
  const isWatched = isRunning(state) && !state?.operation?.sync?.dryRun
  useEffect(() => {
    if (isWatched && !isLast) put({ view: 'last' })
  }, [isWatched, isLast, put])
  const planner = <Planner application={application} without={without} setWithout={setWithout} />
  if (state && isRunning(state)) return <Run application={application} state={state} />
  if (application.operation) return planner
  return (
    <div className={styles['tab']}>
      <nav className={styles['views']} aria-label={say('view')}>
        <Link to="?" replace aria-current={isLast ? undefined : 'page'}>
          {say('plan-again')}
        </Link>
        <Link to="?view=last" replace aria-current={isLast ? 'page' : undefined}>
          {say(state?.operation?.sync?.dryRun ? 'last-dry-run' : 'last-sync')}
        </Link>
      </nav>
      {!isLast ? (
        planner
      ) : state ? (
        <Run application={application} state={state} />
      ) : (
        <Empty title={say('never-synced')} />
      )}
    </div>
  )
}
