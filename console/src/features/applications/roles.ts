/** Roles of a table whose rows are boxes: only those in view are drawn, which a real table cannot be told. */
export const ROW_GROUP = { role: 'rowgroup' }
export const ROW = { role: 'row' }
export const CELL = { role: 'cell' }

/** A table of so many lines below its head. */
export function tableOf(label: string, lines: number) {
  return { role: 'table', 'aria-label': label, 'aria-rowcount': lines + 1 }
}

/** The row of a line, counted from 0; the head is the first row. */
export function rowAtLine(line: number) {
  return { ...ROW, 'aria-rowindex': line + 2 }
}

export function columnHead(sort?: 'ascending' | 'descending') {
  return { role: 'columnheader', 'aria-sort': sort }
}
