import { Check, OctagonX } from 'lucide-react'
import type { ReactNode } from 'react'
import { Ago, Callout, Failure, Loading, Term } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { revisionsOf, shortRevision } from '../model'
import { LongText } from '../why/long-text'
import { Board, type Selection } from './board'
import type { OperationState } from './operation'
import { type Column, columnsOf, type Plan, tallyOf, trialTallyOf, withTrial } from './plan'
import styles from './planned.module.css'
import { chosenColumns, chosenObjects, offeredColumns } from './request'
import { words } from './words'

const NONE: ReadonlySet<string> = new Set()

/** The part of a query of a plan that is shown. */
export interface PlanQuery {
  data: Plan | undefined
  error: Error | null
  isPlaceholderData: boolean
  refetch: () => unknown
}

/** A plan to read, before anything of it happens: how much it does, what forbids it, its waves, and what it leaves alone. */
export function Planned({
  query,
  title,
  heading: Heading = 'h3',
  selection,
  trial,
  children,
}: {
  query: PlanQuery
  title: string
  heading?: 'h2' | 'h3'
  selection?: Selection
  /** A dry run of this plan, told where it was made at the same revision. */
  trial?: OperationState | undefined
  children?: (plan: Plan, columns: Column[]) => ReactNode
}) {
  const say = useWords(words)
  const { data: plan, error } = query
  const without = selection?.without ?? NONE
  const isTried = trial !== undefined && revisionsOf(trial.syncResult).join(',') === plan?.revision
  const planned = plan ? columnsOf(plan) : []
  const columns = isTried ? withTrial(planned, trial) : planned
  return (
    <section className={styles['plan']} aria-label={title} aria-busy={query.isPlaceholderData}>
      {plan ? (
        <>
          <div className={styles['summary']}>
            <Heading>
              {title}{' '}
              <code>{say('plan-of', { revision: plan.revision.split(',').map(shortRevision).join(', ') })}</code>
            </Heading>
            <Summary
              plan={plan}
              columns={chosenColumns(columns, without)}
              isPartial={chosenObjects(columns, without) !== undefined}
            />
            {isTried && <TrialFacts state={trial} columns={columns} />}
          </div>
          <Board columns={offeredColumns(columns, without)} {...(selection && { selection })} />
          <LeftAlone plan={plan} />
          {children?.(plan, columns)}
        </>
      ) : (
        <>
          <Heading>{title}</Heading>
          {error ? <Failure error={error} onRetry={() => void query.refetch()} /> : <Loading />}
        </>
      )}
    </section>
  )
}

/** How much a plan does, in numbers, and what forbids it. */
function Summary({ plan, columns, isPartial }: { plan: Plan; columns: readonly Column[]; isPartial: boolean }) {
  const say = useWords(words)
  const tally = tallyOf(columns)
  const isQuiet = tally.create + tally.configure + tally.prune === 0
  const hooks = isQuiet && tally.hook > 0 ? say('only-hooks', { count: tally.hook }) : ''
  return (
    <>
      {isQuiet ? (
        <p>{isPartial ? say('nothing-chosen') : say('nothing-to-do', { hooks })}</p>
      ) : (
        <ul className={styles['tally']}>
          {(['create', 'configure', 'prune', 'hook', 'keep'] as const).map(
            (each) =>
              tally[each] > 0 && (
                <li key={each}>
                  {each === 'prune' || each === 'hook' ? (
                    <Term name={each}>{say(each, { count: tally[each] })}</Term>
                  ) : (
                    say(each, { count: tally[each] })
                  )}
                </li>
              ),
          )}
        </ul>
      )}
      <Problems title={say('refused')} texts={plan.refusals.map((each) => each.text)} />
      <Problems title={say('invalid')} texts={plan.invalid.map((each) => `${each.object}: ${each.text}`)} />
    </>
  )
}

/** What a dry run of the plan found, in numbers; each object's part stands with it. */
function TrialFacts({ state, columns }: { state: OperationState; columns: readonly Column[] }) {
  const say = useWords(words)
  const { accepted, refused } = trialTallyOf(columns)
  const hasFailed = state.phase !== 'Succeeded'
  return (
    <p className={`${styles['trial']} ${hasFailed ? styles['bad'] : ''}`} role="status">
      {hasFailed ? <OctagonX size={15} aria-hidden /> : <Check size={15} aria-hidden />}
      <span>
        {say('dry-run')} <Ago at={state.finishedAt ?? state.startedAt} />:{' '}
        {refused > 0 ? say('tried-some', { accepted, refused }) : say('tried-all', { accepted })}{' '}
        {hasFailed && <LongText text={state.message ?? ''} />}
      </span>
    </p>
  )
}

function Problems({ title, texts }: { title: string; texts: readonly string[] }) {
  if (texts.length === 0) return null
  return (
    <Callout tone="bad" role="alert">
      <strong>{title}</strong>
      <ul>
        {texts.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </Callout>
  )
}

function LeftAlone({ plan }: { plan: Plan }) {
  const say = useWords(words)
  const told = plan.skipped.filter((each) => each.reason !== 'in-sync')
  if (told.length === 0) return null
  return (
    <details className={styles['left']} open={told.length <= 5}>
      <summary>
        {say('left-alone')} ({told.length})
      </summary>
      <ul>
        {told.map(({ object, reason }) => (
          <li key={`${object} ${reason}`}>
            {object} <span>{say(`reason-${reason}` as 'reason-in-sync')}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}
