import { useVirtualizer, type VirtualItem } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp, ChevronDown, ChevronRight } from 'lucide-react'
import { type KeyboardEvent, type Ref as ReactRef, useEffect, useImperativeHandle, useMemo, useRef } from 'react'
import type { Row } from '@/shared/api/types'
import { Failure } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type Group, keyOf, type Listing, PER_PAGE, type RowAt, useRows } from './api'
import { useFrame } from './frame'
import { keyOfGroup, type Line, lineOf, linesOf, pagesOf, stepFrom } from './lines'
import styles from './list.module.css'
import { heightOf, type Measures, measuresOf } from './looks'
import { HealthCounts } from './parts'
import { CELL, columnHead, ROW, ROW_GROUP, rowAtLine, tableOf } from './roles'
import { Card, MapLine, TableCells } from './row'
import type { Selection } from './selection'
import { type ColumnId, type ListState, queryOf, SORTS, sortBy } from './state'
import { words } from './words'

/** What commands of the page do with the list. */
export interface ListHandle {
  step: (delta: number) => void
  /** The row that the keyboard is at. */
  current: () => Row | undefined
}

const WIDTHS: Record<ColumnId, string> = {
  health: '6.75rem',
  sync: '6.75rem',
  revision: 'minmax(4.5rem, 0.4fr)',
  target: 'minmax(4.5rem, 0.4fr)',
  images: 'minmax(5rem, 0.8fr)',
  reconciledAt: '5.75rem',
  project: 'minmax(5rem, 0.5fr)',
  cluster: 'minmax(5rem, 0.5fr)',
  namespace: 'minmax(6rem, 0.6fr)',
  path: 'minmax(7rem, 1fr)',
  labels: 'minmax(6rem, 0.8fr)',
}

interface Props {
  state: ListState
  first: Listing
  selection: Selection
  folded: ReadonlySet<string>
  onFold: (key: string) => void
  onChange: (state: ListState) => void
  handle: ReactRef<ListHandle>
}

/** The rows, drawn for what is in view only; pages are asked for as they come into view. */
export function List({ state, first, selection, folded, onFold, onChange, handle }: Props) {
  const say = useWords(words)
  const element = useRef<HTMLDivElement>(null)
  const { scroller, margin, width } = useFrame(element)
  const measures = measuresOf(state.look, width)
  const { total, groups } = first
  const lines = useMemo(
    () => linesOf(total, groups, measures.perLine, folded),
    [total, groups, measures.perLine, folded],
  )
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller,
    estimateSize: (index) => heightOf(lines[index], measures),
    scrollMargin: margin,
    overscan: state.look === 'map' ? 3 : 8,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: another look or width gives every line another height.
  useEffect(() => virtual.measure(), [virtual, lines, measures.line])
  const items = virtual.getVirtualItems()
  const shown = items.flatMap((item) => lines[item.index] ?? [])
  const { rowAt, error } = useRows(queryOf(state), pagesOf(shown, PER_PAGE))
  const step = useSteps(lines, element, (line) => virtual.scrollToIndex(line, { align: 'auto' }), handle, rowAt)
  const isTable = state.look === 'table' && !measures.isNarrow
  const columns = `1.25rem minmax(13rem, 2fr) ${state.columns.map((each) => WIDTHS[each]).join(' ')}`
  if (error) return <Failure error={error} />
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrows move the focus among the links inside.
    <div
      className={styles['list']}
      data-look={state.look}
      onKeyDown={(event) => step(deltaOf(event, measures, isTable), event)}
      {...(isTable ? tableOf(say('title'), lines.length) : {})}
    >
      {isTable && (
        <Head state={state} columns={columns} rows={rowsOf(shown, rowAt)} selection={selection} onChange={onChange} />
      )}
      <div
        ref={element}
        className={styles['lines']}
        style={{ height: virtual.getTotalSize() }}
        {...(isTable ? ROW_GROUP : {})}
      >
        {items.map((item) => (
          <LineBox
            key={item.key}
            item={item}
            margin={margin}
            line={lines[item.index]}
            {...{ state, measures, columns, isTable, rowAt, selection, folded, onFold }}
          />
        ))}
      </div>
    </div>
  )
}

function rowsOf(lines: readonly Line[], rowAt: RowAt): Row[] {
  const places = lines.flatMap((line) =>
    line.kind === 'rows' ? Array.from({ length: line.count }, (_, index) => line.from + index) : [],
  )
  return places.flatMap((place) => rowAt(place) ?? [])
}

/** How far a key of the arrows goes: in tiles and cells, up and down go by lines. */
export function deltaOf(event: Pick<KeyboardEvent, 'key'>, { perLine }: Measures, isTable: boolean): number {
  const along = isTable ? 0 : 1
  const steps: Record<string, number> = { ArrowDown: perLine, ArrowUp: -perLine, ArrowRight: along, ArrowLeft: -along }
  return steps[event.key] ?? 0
}

function useSteps(
  lines: readonly Line[],
  element: React.RefObject<HTMLElement | null>,
  scrollTo: (line: number) => void,
  handle: ReactRef<ListHandle>,
  rowAt: RowAt,
) {
  const wanted = useRef(-1)
  const focus = () => element.current?.querySelector<HTMLElement>(`a[data-row="${wanted.current}"]`)
  const isWaiting = useRef(false)
  useEffect(() => {
    // The row may have come into view, or arrived, only now.
    if (!isWaiting.current) return
    const link = focus()
    if (link) isWaiting.current = false
    link?.focus({ preventScroll: true })
  })
  const move = (delta: number) => {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['row'] : undefined
    wanted.current = stepFrom(lines, focused === undefined ? wanted.current : Number(focused), delta)
    if (wanted.current < 0) return
    scrollTo(lineOf(lines, wanted.current))
    const link = focus()
    isWaiting.current = !link
    link?.focus({ preventScroll: true })
  }
  useImperativeHandle(handle, () => ({ step: move, current: () => rowAt(wanted.current) }))
  return (delta: number, event: KeyboardEvent) => {
    const isField = event.target instanceof HTMLInputElement && event.target.type !== 'checkbox'
    if (delta === 0 || isField) return
    event.preventDefault()
    move(delta)
  }
}

function Head({
  state,
  columns,
  rows,
  selection,
  onChange,
}: Pick<Props, 'state' | 'selection' | 'onChange'> & { columns: string; rows: readonly Row[] }) {
  const say = useWords(words)
  const areAll = rows.length > 0 && rows.every((row) => selection.selected.has(keyOf(row)))
  return (
    <div {...ROW_GROUP} className={styles['head']}>
      <div {...ROW} className={styles['row']} style={{ gridTemplateColumns: columns }}>
        <span {...columnHead()}>
          <input
            type="checkbox"
            aria-label={say('select-shown')}
            checked={areAll}
            onChange={() => selection.toggle(rows)}
          />
        </span>
        {(['name', ...state.columns] as const).map((column) => {
          const sort = SORTS.find((each) => each === column)
          const isSorted = sort === state.sort
          const Arrow = state.isReversed ? ArrowUp : ArrowDown
          return (
            <span key={column} {...columnHead(isSorted ? (state.isReversed ? 'descending' : 'ascending') : undefined)}>
              {sort ? (
                <button type="button" className={styles['sort']} onClick={() => onChange(sortBy(state, sort))}>
                  {say(column)} {isSorted && <Arrow size={14} aria-hidden />}
                </button>
              ) : (
                say(column)
              )}
            </span>
          )
        })}
      </div>
    </div>
  )
}

interface LineProps extends Pick<Props, 'state' | 'selection' | 'folded' | 'onFold'> {
  item: VirtualItem
  margin: number
  line: Line | undefined
  measures: Measures
  columns: string
  isTable: boolean
  rowAt: RowAt
}

function LineBox(props: LineProps) {
  const { item, margin, line, measures, columns, isTable, state } = props
  if (!line) return null
  const place = { transform: `translateY(${item.start - margin}px)`, height: item.size }
  if (line.kind === 'group') {
    return (
      <div className={styles['line']} style={place} {...(isTable ? rowAtLine(item.index) : {})}>
        <GroupHead {...props} group={line.group} />
      </div>
    )
  }
  if (isTable) {
    const row = props.rowAt(line.from)
    return (
      <div
        {...rowAtLine(item.index)}
        className={`${styles['line']} ${styles['row']}`}
        data-selected={(row && props.selection.selected.has(keyOf(row))) || undefined}
        style={{ ...place, gridTemplateColumns: columns }}
      >
        {row ? (
          <TableCells
            row={row}
            index={line.from}
            isSelected={props.selection.selected.has(keyOf(row))}
            onToggle={props.selection.toggle}
            columns={state.columns}
          />
        ) : (
          <span {...CELL} className={styles['ghost']} />
        )}
      </div>
    )
  }
  return (
    <ul className={`${styles['line']} ${styles['many']}`} style={{ ...place, ...gridOf(state, measures) }}>
      <Several {...props} from={line.from} count={line.count} />
    </ul>
  )
}

function gridOf(state: ListState, { perLine }: Measures) {
  return { gridTemplateColumns: `repeat(${perLine}, ${state.look === 'map' ? '26px' : 'minmax(0, 1fr)'})` }
}

function Several({ from, count, rowAt, state, selection }: LineProps & { from: number; count: number }) {
  const rows = Array.from({ length: count }, (_, offset) => rowAt(from + offset))
  if (state.look === 'map') {
    return <MapLine rows={rows} from={from} selected={selection.selected} onToggle={selection.toggle} />
  }
  return rows.map((row, offset) => {
    const index = from + offset
    return (
      <li key={index}>
        {row ? (
          <Card row={row} index={index} isSelected={selection.selected.has(keyOf(row))} onToggle={selection.toggle} />
        ) : (
          <span className={styles['ghost']} />
        )}
      </li>
    )
  })
}

function GroupHead({ group, folded, onFold, isTable }: LineProps & { group: Group }) {
  const say = useWords(words)
  const key = keyOfGroup(group)
  const isFolded = folded.has(key)
  const name = group.value === null ? say('all-others') : group.value || say('no-word')
  const Arrow = isFolded ? ChevronRight : ChevronDown
  return (
    <div className={styles['group']} {...(isTable ? CELL : {})}>
      <button
        type="button"
        className={styles['fold']}
        aria-expanded={!isFolded}
        title={say(isFolded ? 'unfold' : 'fold', { group: name })}
        onClick={() => onFold(key)}
      >
        <Arrow size={16} aria-hidden />
        <strong title={name}>{name}</strong>
        <span className={styles['total']}>{group.total.toLocaleString()}</span>
      </button>
      <HealthCounts counts={group.health} />
    </div>
  )
}
