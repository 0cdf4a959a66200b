import { useQuery } from '@tanstack/react-query'
import { GitCommitHorizontal, TriangleAlert } from 'lucide-react'
import { Link } from 'react-router'
import type { AppRef, Sentence } from '@/shared/api/types'
import { toneOf } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import { type Node, nodeKey, useTree } from '../nodes'
import { parseObjectText } from '../objects'
import { askOwn, keyOf } from '../queries'
import { isRunning } from '../sync/plan'
import { type Fix, fixesOf, type Reason, reasonOf } from './facts'
import { LongText } from './long-text'
import styles from './why.module.css'
import { words } from './words'

interface Answer {
  sync: string
  health: string
  why: Sentence | null
  /** What to do about it, empty where nobody knows. */
  hint?: string
}

/** Why the application is not as wanted: the rule, the object, the field, and the pages that help. Nothing where it is. */
export function Why({ application }: { application: Application }) {
  const say = useWords(words)
  const app = application.metadata
  const answer = useQuery({
    queryKey: keyOf(app, 'why'),
    queryFn: ({ signal }) => askOwn<Answer>(app, ['why'], { signal }),
  }).data
  // The pin has a banner of its own, with the way to end it.
  if (!answer?.why || answer.why.code.startsWith('pin-')) return null
  const reason = reasonOf(answer.why)
  const tone = toneOf(answer.health) === 'bad' ? 'bad' : 'warn'
  return (
    <section className={`${styles['why']} ${styles[tone]}`} aria-label={say('title')}>
      <TriangleAlert size={18} aria-hidden />
      <div className={styles['body']}>
        <p className={styles['text']}>
          <LongText text={reason.text} />
        </p>
        {answer.hint && (
          <p className={styles['hint']}>
            <LongText text={say('hint', { text: answer.hint })} />
          </p>
        )}
        <Facts app={app} reason={reason} />
        {reason.commit && (
          <p className={styles['commit']}>
            <GitCommitHorizontal size={15} aria-hidden />
            <Link to={placeOf(app, 'history')}>{say('since', { ...reason.commit })}</Link>
          </p>
        )}
        <Fixes application={application} reason={reason} />
      </div>
    </section>
  )
}

const placeOf = (app: AppRef, view: string) => `/applications/${app.namespace}/${app.name}/${view}`

/** Where an object of the application is shown; null while it is not known there. */
function nodeLink(app: AppRef, nodes: readonly Node[] | undefined, text: string, panel: string): string | null {
  const named = parseObjectText(text)
  const node = nodes?.find(
    (each) => each.kind === named?.kind && each.name === named.name && each.namespace === named.namespace,
  )
  return node ? `${placeOf(app, 'resources')}?${new URLSearchParams({ node: nodeKey(node), panel })}` : null
}

function Facts({ app, reason }: { app: AppRef; reason: Reason }) {
  const say = useWords(words)
  const nodes = useTree(app, reason.objects.length > 0).data
  if (reason.objects.length + reason.facts.length + reason.more === 0) return null
  return (
    <ul className={styles['facts']}>
      {reason.objects.map((object) => {
        const to = nodeLink(app, nodes, object, 'summary')
        return <li key={object}>{to ? <Link to={to}>{object}</Link> : object}</li>
      })}
      {reason.facts.map(([name, value]) => (
        <li key={name}>
          {say(name)} <code>{value}</code>
        </li>
      ))}
      {reason.more > 0 && (
        <li>
          <Link to={placeOf(app, 'diff')}>{say('and-more', { count: reason.more })}</Link>
        </li>
      )}
    </ul>
  )
}

function Fixes({ application, reason }: { application: Application; reason: Reason }) {
  const say = useWords(words)
  const app = application.metadata
  const nodes = useTree(app, reason.objects.length > 0).data
  const links: Record<Fix, string | null> = {
    logs: nodeLink(app, nodes, reason.objects[0] ?? '', 'logs'),
    events: nodeLink(app, nodes, reason.objects[0] ?? '', 'events'),
    diff: placeOf(app, 'diff'),
    source: placeOf(app, 'details'),
    sync: placeOf(app, 'sync'),
    running: placeOf(app, 'sync'),
    last: `${placeOf(app, 'sync')}?view=last`,
    rollback: (application.status?.history?.length ?? 0) > 0 ? `${placeOf(app, 'history')}?to=before` : null,
  }
  const fixes = fixesOf(reason.code, isRunning(application.status?.operationState))
  return (
    <ul className={styles['fixes']} aria-label={say('next')}>
      {fixes.map((fix) => {
        const to = links[fix]
        return (
          to && (
            <li key={fix}>
              <Link to={to}>{say(`fix-${fix}`)}</Link>
            </li>
          )
        )
      })}
    </ul>
  )
}
