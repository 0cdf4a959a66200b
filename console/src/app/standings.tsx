import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { awayParts, type Part, STATUS_STREAM, useIsCarried, useStanding } from '@/shared/api/standing'
import { useStream } from '@/shared/api/stream'
import { Callout } from '@/shared/ui'
import { useLanguage, useWords } from '@/shared/words'
import styles from './standings.module.css'
import { words } from './words'

/** A page that follows something says so at once; only then a connection is spent on this alone. */
const PATIENCE_MS = 1500

/**
 * What is away, on every page: below the content, so that nothing the reader is about to press moves, and without
 * anything to press itself. The region stands there from the start, since readers of screens hear only what changes in one.
 */
export function Standings() {
  const standing = useStanding()
  const away = awayParts(standing)
  useOwnStream()
  useFreshness(away.length === 0)
  return (
    <div className={styles['standings']} role="status">
      {standing !== null && away.length > 0 && (
        <Callout tone="warn">
          <ul className={styles['parts']}>
            {away.map((part) => (
              <Away key={part} part={part} since={standing[part].since} />
            ))}
          </ul>
        </Callout>
      )}
    </div>
  )
}

function Away({ part, since }: { part: Part; since: string }) {
  const say = useWords(words)
  const language = useLanguage()
  const at = new Date(since)
  const isToday = at.toDateString() === new Date().toDateString()
  // The time itself and not how long ago: what counts on would be read out again and again.
  const time = isToday ? at.toLocaleTimeString(language, { timeStyle: 'short' }) : at.toLocaleString(language)
  return (
    <li>
      <strong>{say(`away-${part}`, { time })}</strong> <span>{say(`away-${part}-means`)}</span>{' '}
      <span>{say(`away-${part}-do`)}</span>
    </li>
  )
}

/** Follows the status where no page's stream tells of it. */
function useOwnStream(): void {
  const isCarried = useIsCarried()
  const [isWanted, setWanted] = useState(false)
  useEffect(() => {
    setWanted(false)
    if (isCarried) return
    const timer = setTimeout(() => setWanted(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [isCarried])
  useStream(isWanted && !isCarried ? STATUS_STREAM : null, {})
}

/** Asks for everything in view anew once nothing is away any more: what failed meanwhile shows itself again. */
function useFreshness(isAllThere: boolean): void {
  const queries = useQueryClient()
  const was = useRef(isAllThere)
  useEffect(() => {
    if (isAllThere && !was.current) void queries.invalidateQueries()
    was.current = isAllThere
  }, [isAllThere, queries])
}
