/** One application as a row of the table, a card on a phone, a tile, a cell of the heat map. */
import { memo, type ReactNode } from 'react'
import { Link, useNavigate } from 'react-router'
import type { Row } from '@/shared/api/types'
import { Ago, Status, wordOf } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { keyOf, placeOf } from './api'
import { Images, Marks, Revision, WhyLine } from './parts'
import { CELL } from './roles'
import styles from './row.module.css'
import type { Selection } from './selection'
import type { ColumnId } from './state'
import { words } from './words'

export interface RowProps {
  row: Row
  /** Its place among all. */
  index: number
  isSelected: boolean
  /** Always the same function: a row that did not change is not drawn anew while the list is scrolled. */
  onToggle: Selection['toggle']
}

function Tick({ row, isSelected, onToggle }: Omit<RowProps, 'index'>) {
  const say = useWords(words)
  return (
    <input
      type="checkbox"
      className={styles['tick']}
      aria-label={say('select', { name: row.name })}
      checked={isSelected}
      onChange={() => onToggle([row])}
    />
  )
}

function Name({ row, index }: Pick<RowProps, 'row' | 'index'>) {
  return (
    <span className={styles['name']}>
      <Link to={placeOf(row)} data-row={index} title={`${row.namespace}/${row.name}`}>
        {row.name}
      </Link>
      <Marks row={row} />
    </span>
  )
}

const CELLS: Record<ColumnId, (row: Row) => ReactNode> = {
  health: (row) => <Status value={row.health} />,
  sync: (row) => <Status value={row.sync} />,
  revision: (row) => <Revision value={row.revision} />,
  target: (row) => <Cut text={row.targetRevision} />,
  images: (row) => <Images images={row.images} />,
  reconciledAt: (row) => <Ago at={row.reconciledAt} />,
  project: (row) => <Cut text={row.project} />,
  cluster: (row) => <Cut text={row.cluster} />,
  namespace: (row) => <Cut text={row.destinationNamespace} />,
  path: (row) => <span title={`${row.repo} ${row.path}`}>{row.path}</span>,
  labels: (row) => <Labels labels={row.labels} />,
}

/** A word that a narrow column may cut: the whole is its title. */
function Cut({ text }: { text: string }) {
  return <span title={text}>{text}</span>
}

function Labels({ labels }: { labels: Readonly<Record<string, string>> }) {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return <span title={texts.join('\n')}>{texts.map((text) => text.slice(text.lastIndexOf('/') + 1)).join(', ')}</span>
}

/** The cells of one row of the table; its frame gives it the role. */
export const TableCells = memo(function TableCells(props: RowProps & { columns: readonly ColumnId[] }) {
  const { row, index, isSelected, onToggle, columns } = props
  return (
    <>
      <span {...CELL} className={styles['tick-cell']}>
        <Tick row={row} isSelected={isSelected} onToggle={onToggle} />
      </span>
      <span {...CELL} className={styles['main']}>
        <Name row={row} index={index} />
        <span className={styles['below']}>
          <WhyLine row={row} />
        </span>
      </span>
      {columns.map((column) => (
        <span {...CELL} key={column} className={styles['cell']}>
          {CELLS[column](row)}
        </span>
      ))}
    </>
  )
})

/** A tile; on a phone, a row. */
export const Card = memo(function Card({ row, index, isSelected, onToggle }: RowProps) {
  return (
    <div className={styles['card']} data-status={wordOf(row.health)}>
      <span className={styles['card-head']}>
        <Tick row={row} isSelected={isSelected} onToggle={onToggle} />
        <Name row={row} index={index} />
      </span>
      <WhyLine row={row} />
      <span className={styles['card-marks']}>
        <Status value={row.health} />
        <Status value={row.sync} />
      </span>
      <span className={styles['card-foot']}>
        <Revision value={row.revision} />
        <Images images={row.images} />
        <Ago at={row.reconciledAt} />
      </span>
    </div>
  )
})

interface MapLineProps {
  rows: readonly (Row | undefined)[]
  from: number
  selected: Selection['selected']
  onToggle: Selection['toggle']
}

/** A line of the heat map. A thousand cells are on the page, so a line whose rows are the same is passed over whole. */
export const MapLine = memo(function MapLine({ rows, from, selected, onToggle }: MapLineProps) {
  const navigate = useNavigate()
  return rows.map((row, offset) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a place in the list is what a cell stands for.
    <li key={from + offset}>
      {row ? (
        <MapCell
          row={row}
          index={from + offset}
          isSelected={selected.has(keyOf(row))}
          onToggle={onToggle}
          onGo={navigate}
        />
      ) : (
        <span className={styles['map-cell']} />
      )}
    </li>
  ))
}, isSameLine)

export function isSameLine(before: MapLineProps, after: MapLineProps): boolean {
  return (
    before.from === after.from &&
    before.selected === after.selected &&
    before.onToggle === after.onToggle &&
    before.rows.length === after.rows.length &&
    before.rows.every((row, index) => row === after.rows[index])
  )
}

/**
 * A cell of the heat map: its colour and its mark tell the health, a corner that it is out of sync. What is healthy has no
 * mark, so that what is not stands out; nor is the cell one of the router's links, which cost several times as much.
 */
function MapCell({ row, index, isSelected, onToggle, onGo }: RowProps & { onGo: (place: string) => void }) {
  const place = placeOf(row)
  const isHealthy = row.health === 'Healthy'
  return (
    <a
      href={place}
      data-row={index}
      className={styles['map-cell']}
      data-status={wordOf(row.health)}
      data-drifts={row.sync === 'OutOfSync' || undefined}
      data-selected={isSelected || undefined}
      title={[row.name, row.why?.text].filter(Boolean).join('\n')}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return
        event.preventDefault()
        if (event.shiftKey) onToggle([row])
        else onGo(place)
      }}
    >
      <span className="visually-hidden">
        {row.name} {isHealthy && <Status value={row.health} variant="word" />}
        {row.sync === 'OutOfSync' && <Status value={row.sync} variant="word" />}
      </span>
      {!isHealthy && <Status value={row.health} variant="icon" />}
    </a>
  )
}
