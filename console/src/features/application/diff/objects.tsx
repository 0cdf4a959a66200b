import { ArrowDown, ArrowUp, CirclePlus, type LucideIcon, Pencil, Trash2 } from 'lucide-react'
import { type RefObject, useEffect, useRef } from 'react'
import { useCommands } from '@/shared/commands'
import { IconButton } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type ObjectName, objectKey, objectText } from '../objects'
import { useSelection } from '../selection'
import type { Difference } from '../sync/plan'
import { FieldList } from './fields'
import { useLayout } from './layout'
import styles from './objects.module.css'
import { type Compared, rowsOf } from './rows'
import { DiffView } from './view'
import { words } from './words'

export type State = 'changed' | 'missing' | 'extra'

export interface ShownObject extends ObjectName, Compared {
  state: State
}

/** What stands left and right, and what it means that an object is on one side only. */
export interface Sides {
  left: string
  right: string
  states: Readonly<Record<State, string>>
}

/** Called for a field that somebody wants to ignore. */
export type OnIgnore = (object: ShownObject, difference: Difference) => void

/** Objects of which two states differ: the list of all, and one of them in detail. */
export function DifferingObjects({
  items,
  sides,
  onIgnore,
}: {
  items: readonly ShownObject[]
  sides: Sides
  onIgnore?: OnIgnore | undefined
}) {
  const say = useWords(words)
  const { key, choose } = useSelection()
  const index = Math.max(
    0,
    items.findIndex((item) => objectKey(item) === key),
  )
  const item = items[index]
  const frame = useRef<HTMLDivElement>(null)
  const goTo = (to: number) => {
    const next = items[(to + items.length) % items.length]
    if (next) choose(objectKey(next))
  }
  const jump = useJumps(frame, index, goTo)
  return (
    <div className={styles['split']}>
      <nav className={styles['list']} aria-label={say('objects')}>
        <p className={styles['count']}>{say('count', { count: items.length })}</p>
        <ul>
          {items.map((each, at) => (
            <li key={objectKey(each)}>
              <button
                type="button"
                aria-current={at === index || undefined}
                onClick={() => choose(objectKey(each))}
                title={objectText(each)}
              >
                <Mark state={each.state} sides={sides} />
                <span>
                  <span className={styles['kind']}>{each.kind}</span>
                  {each.name}
                </span>
              </button>
            </li>
          ))}
        </ul>
      </nav>
      {item && (
        <div ref={frame} className={styles['object']}>
          <ObjectDiff key={objectKey(item)} item={item} sides={sides} jump={jump} onIgnore={onIgnore} />
        </div>
      )}
    </div>
  )
}

const MARKS = { changed: Pencil, missing: CirclePlus, extra: Trash2 } as const satisfies Record<State, LucideIcon>

function Mark({ state, sides }: { state: State; sides: Sides }) {
  const Icon = MARKS[state]
  return (
    <span className={`${styles['mark']} ${styles[state]}`} title={sides.states[state]}>
      <Icon size={14} aria-hidden />
      <span className="visually-hidden">{sides.states[state]}</span>
    </span>
  )
}

/** Fields that are listed without being asked for. */
const FEW = 6

function ObjectDiff({
  item,
  sides,
  jump,
  onIgnore,
}: {
  item: ShownObject
  sides: Sides
  jump: (by: 1 | -1) => void
  onIgnore: OnIgnore | undefined
}) {
  const say = useWords(words)
  const { isSplit, context } = useLayout()
  const rows = rowsOf(item)
  const differences = item.differences ?? []
  const lines = context === 'all' ? Number.POSITIVE_INFINITY : Number(context)
  return (
    <>
      <div className={styles['head']}>
        <h2>{objectText(item)}</h2>
        <span className={styles['state']}>
          <Mark state={item.state} sides={sides} /> {sides.states[item.state]}
        </span>
        <span className={styles['jumps']}>
          <IconButton label={`${say('previous')} (p)`} onClick={() => jump(-1)}>
            <ArrowUp size={16} aria-hidden />
          </IconButton>
          <IconButton label={`${say('next')} (n)`} onClick={() => jump(1)}>
            <ArrowDown size={16} aria-hidden />
          </IconButton>
        </span>
      </div>
      {isSplit && (
        <div className={styles['sides']} aria-hidden>
          <span>{sides.left}</span>
          <span>{sides.right}</span>
        </div>
      )}
      <DiffView rows={rows} isSplit={isSplit} context={lines} label={say('of-object', { object: objectText(item) })} />
      {differences.length > 0 && (
        <details className={styles['fields']} open={differences.length <= FEW}>
          <summary>{say('fields', { count: differences.length })}</summary>
          <FieldList differences={differences} onIgnore={onIgnore && ((difference) => onIgnore(item, difference))} />
        </details>
      )}
    </>
  )
}

/** Jumps from change to change (keys n and p), and on to the next object after the last. */
function useJumps(frame: RefObject<HTMLDivElement | null>, index: number, goTo: (index: number) => void) {
  const say = useWords(words)
  const enter = useRef<1 | -1 | null>(null)
  const at = useRef(-1)
  const changes = () => [...(frame.current?.querySelectorAll<HTMLElement>('[data-change]') ?? [])]
  const focus = (to: number) => {
    at.current = to
    const element = changes()[to]
    element?.focus({ preventScroll: true })
    element?.scrollIntoView({ block: 'center' })
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another object begins anew; `index` tells it.
  useEffect(() => {
    at.current = -1
    if (enter.current !== null) focus(enter.current === 1 ? 0 : changes().length - 1)
    enter.current = null
  }, [index])
  const jump = (by: 1 | -1) => {
    const to = at.current + by
    if (to >= 0 && to < changes().length) return focus(to)
    enter.current = by
    goTo(index + by)
  }
  useCommands([
    { id: 'diff next', title: say('next'), group: say('group'), keys: 'n', run: () => jump(1) },
    { id: 'diff previous', title: say('previous'), group: say('group'), keys: 'p', run: () => jump(-1) },
  ])
  return jump
}
