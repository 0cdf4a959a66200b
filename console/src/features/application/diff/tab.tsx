import { ArrowDown, ArrowUp, CirclePlus, Pencil, Trash2 } from 'lucide-react'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import { useCommands } from '@/shared/commands'
import { CommandHint, Empty, IconButton, Loaded } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import { objectKey, objectText } from '../objects'
import { useSelection } from '../selection'
import { type Differing, useDiff } from './api'
import { FieldList } from './fields'
import { rowsOf } from './rows'
import styles from './tab.module.css'
import { DiffView } from './view'
import { words } from './words'

/** What differs between cluster and Git, one object at a time; which object and how it is shown stand in the URL. */
export function DiffTab({ application }: { application: Application }) {
  const say = useWords(words)
  const [params] = useSearchParams()
  const revision = params.get('revision') ?? ''
  const { name, namespace } = application.metadata
  const diff = useDiff(application.metadata, revision)
  const asked = revision ? ` --revision ${revision}` : ''
  return (
    <div className={styles['tab']}>
      <Toolbar />
      <Loaded query={diff}>
        {(items) =>
          items.length === 0 ? (
            <Empty title={say('in-sync')}>
              <p>{revision ? say('in-sync-at', { revision }) : say('in-sync-text')}</p>
            </Empty>
          ) : (
            <Objects items={items} />
          )
        }
      </Loaded>
      <CommandHint
        cli={`haori app diff ${name}${asked}`}
        api={`GET /api/haori/v1/applications/${name}/diff?appNamespace=${namespace}${revision && `&revision=${revision}`}`}
      />
    </div>
  )
}

const CONTEXTS = ['3', '10', '30', 'all']

/** How it is shown: wide screens begin side by side, narrow ones in one column. */
function useLayout() {
  const [params, setParams] = useSearchParams()
  const wide = typeof window.matchMedia === 'function' && window.matchMedia('(min-width: 60rem)').matches
  const layout = params.get('layout') ?? (wide ? 'split' : 'unified')
  const wanted = params.get('context') ?? '3'
  const context = CONTEXTS.includes(wanted) ? wanted : '3'
  const set = (name: string, value: string) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before)
        if (value) next.set(name, value)
        else next.delete(name)
        return next
      },
      { replace: true, preventScrollReset: true },
    )
  return { isSplit: layout === 'split', context, revision: params.get('revision') ?? '', set }
}

function Toolbar() {
  const say = useWords(words)
  const { isSplit, context, revision, set } = useLayout()
  const [typed, setTyped] = useState(revision)
  return (
    <div className={styles['toolbar']}>
      <label>
        {say('layout')}
        <select value={isSplit ? 'split' : 'unified'} onChange={(event) => set('layout', event.target.value)}>
          <option value="split">{say('split')}</option>
          <option value="unified">{say('unified')}</option>
        </select>
      </label>
      <label>
        {say('context')}
        <select value={context} onChange={(event) => set('context', event.target.value)}>
          {CONTEXTS.map((each) => (
            <option key={each} value={each}>
              {each === 'all' ? say('context-all') : say('context-lines', { count: each })}
            </option>
          ))}
        </select>
      </label>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          set('revision', typed.trim())
        }}
      >
        <label>
          {say('revision')}
          <input
            type="search"
            value={typed}
            placeholder={say('revision-placeholder')}
            onChange={(event) => {
              setTyped(event.target.value)
              if (event.target.value === '') set('revision', '')
            }}
          />
        </label>
      </form>
    </div>
  )
}

function Objects({ items }: { items: readonly Differing[] }) {
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
                <Mark item={each} />
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
          <ObjectDiff key={objectKey(item)} item={item} jump={jump} />
        </div>
      )}
    </div>
  )
}

const MARKS = { changed: Pencil, missing: CirclePlus, extra: Trash2 } as const

function stateOf(item: Differing): keyof typeof MARKS {
  return item.missing ? 'missing' : item.extra ? 'extra' : 'changed'
}

function Mark({ item }: { item: Differing }) {
  const say = useWords(words)
  const state = stateOf(item)
  const Icon = MARKS[state]
  return (
    <span className={`${styles['mark']} ${styles[state]}`} title={say(`state-${state}`)}>
      <Icon size={14} aria-hidden />
      <span className="visually-hidden">{say(`state-${state}`)}</span>
    </span>
  )
}

function ObjectDiff({ item, jump }: { item: Differing; jump: (by: 1 | -1) => void }) {
  const say = useWords(words)
  const { isSplit, context } = useLayout()
  const rows = rowsOf(item)
  const lines = context === 'all' ? Number.POSITIVE_INFINITY : Number(context)
  return (
    <>
      <div className={styles['head']}>
        <h2>{objectText(item)}</h2>
        <span className={styles['state']}>
          <Mark item={item} /> {say(`state-${stateOf(item)}`)}
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
          <span>{say('live')}</span>
          <span>{say('wanted')}</span>
        </div>
      )}
      <DiffView rows={rows} isSplit={isSplit} context={lines} label={say('of-object', { object: objectText(item) })} />
      {item.differences.length > 0 && (
        <details className={styles['fields']}>
          <summary>{say('fields', { count: item.differences.length })}</summary>
          <FieldList differences={item.differences} />
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
