import type { ReactNode } from 'react'
import styles from './table.module.css'

export interface Column<Row> {
  id: string
  label: string
  cell: (row: Row) => ReactNode
  /** Numbers stand at the end of their column. */
  isNumber?: boolean
}

// A phone's layout (see the styles) turns rows into cards, which takes the roles of a table away: they are said again.
const TABLE = { role: 'table' }
const GROUP = { role: 'rowgroup' }
const ROW = { role: 'row' }
const HEAD = { role: 'columnheader' }
const CELL = { role: 'cell' }

/** A plain table of some hundreds of rows at most; on a phone each row becomes a card that names its values. */
export function Table<Row>({
  label,
  columns,
  rows,
  keyOf,
}: {
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
}) {
  return (
    <table {...TABLE} className={styles['table']} aria-label={label}>
      <thead {...GROUP}>
        <tr {...ROW}>
          {columns.map((column) => (
            <th key={column.id} {...HEAD} scope="col" className={column.isNumber ? styles['number'] : undefined}>
              {column.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody {...GROUP}>
        {rows.map((row) => (
          <tr key={keyOf(row)} {...ROW}>
            {columns.map((column) => (
              <td
                key={column.id}
                {...CELL}
                data-label={column.label}
                className={column.isNumber ? styles['number'] : undefined}
              >
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
