import { ChevronsUpDown } from 'lucide-react'
import { useState } from 'react'
import { useWords } from '@/shared/words'
import { Owner } from './fields'
import { foldRows, type Part, partsOfPair, type Row, type Side } from './rows'
import styles from './view.module.css'
import { words } from './words'

/** Lines beside or below each other; what is far from any change is folded until somebody opens it. */
export function DiffView({
  rows,
  isSplit,
  context,
  label,
}: {
  rows: readonly Row[]
  isSplit: boolean
  context: number
  label: string
}) {
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set())
  const blocks = foldRows(rows, context)
  return (
    <table className={`${styles['diff']} ${isSplit ? styles['split'] : ''}`} aria-label={label}>
      <colgroup>
        <col className={styles['gutter']} />
        <col className={isSplit ? undefined : styles['gutter']} />
        {isSplit && <col className={styles['gutter']} />}
        <col />
      </colgroup>
      {blocks.map((block, index) =>
        block.isFold && !opened.has(index) ? (
          <Fold
            // biome-ignore lint/suspicious/noArrayIndexKey: blocks are told apart by their order alone.
            key={index}
            count={block.rows.length}
            until={block.until}
            columns={isSplit ? 4 : 3}
            onOpen={() => setOpened(new Set([...opened, index]))}
          />
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: see above.
          <tbody key={index}>{isSplit ? <SplitRows rows={block.rows} /> : <UnifiedRows rows={block.rows} />}</tbody>
        ),
      )}
    </table>
  )
}

function Fold({
  count,
  until,
  columns,
  onOpen,
}: {
  count: number
  until: string
  columns: number
  onOpen: () => void
}) {
  const say = useWords(words)
  return (
    <tbody>
      <tr>
        <td colSpan={columns} className={styles['fold']}>
          <button type="button" onClick={onOpen}>
            <ChevronsUpDown size={14} aria-hidden />
            {say('folded', { count })}
            {until && (
              <span className={styles['until']} title={until}>
                {say('folded-until', { place: until })}
              </span>
            )}
          </button>
        </td>
      </tr>
    </tbody>
  )
}

/** Rows in runs of changed and unchanged: the first row of a changed run is where one jumps to. */
function startsRun(rows: readonly Row[], index: number): boolean {
  return Boolean(rows[index]?.isChanged) && !rows[index - 1]?.isChanged
}

function SplitRows({ rows }: { rows: readonly Row[] }) {
  return rows.map((row, index) => {
    const parts = row.left && row.right && row.isChanged ? partsOfPair(row.left.text, row.right.text) : null
    return (
      <tr
        key={`${row.left?.number} ${row.right?.number}`}
        data-change={startsRun(rows, index) || undefined}
        tabIndex={startsRun(rows, index) ? -1 : undefined}
      >
        <Code side={row.left} parts={parts?.left} tone={row.isChanged ? 'removed' : 'same'}>
          <Owners row={row} />
        </Code>
        <Code side={row.right} parts={parts?.right} tone={row.isChanged ? 'added' : 'same'} />
      </tr>
    )
  })
}

function Code({
  side,
  parts,
  tone,
  children,
}: {
  side: Side | null
  parts: readonly Part[] | undefined
  tone: 'removed' | 'added' | 'same'
  children?: React.ReactNode
}) {
  const shown = side ? tone : 'none'
  return (
    <>
      <td className={`${styles['number']} ${styles[shown]}`}>{side?.number}</td>
      <td className={`${styles['code']} ${styles[shown]}`}>
        {side && <Text side={side} parts={parts} />}
        {side && children}
      </td>
    </>
  )
}

function Text({ side, parts }: { side: Side; parts?: readonly Part[] | undefined }) {
  if (!parts) return side.text
  return parts.map((part, index) =>
    part.isChanged ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a line never change their order.
      <mark key={index}>{part.text}</mark>
    ) : (
      part.text
    ),
  )
}

/** Whose the live value is, where it is neither ours nor nobody's. */
function Owners({ row }: { row: Row }) {
  const owners = new Map(row.differences.filter((each) => each.manager).map((each) => [each.manager, each.time]))
  return [...owners].map(([manager, time]) => (
    <span key={manager} className={styles['owner']}>
      <Owner manager={manager} time={time} />
    </span>
  ))
}

interface Single {
  side: Side
  sign: ' ' | '-' | '+'
  parts: readonly Part[] | undefined
  row: Row
  isFirst: boolean
}

/** One column: of each changed run first all that goes, then all that comes. */
function singles(rows: readonly Row[]): Single[] {
  const lines: Single[] = []
  let added: Single[] = []
  rows.forEach((row, index) => {
    const parts = row.left && row.right && row.isChanged ? partsOfPair(row.left.text, row.right.text) : null
    const isFirst = startsRun(rows, index)
    if (!row.isChanged) {
      lines.push(...added)
      added = []
      if (row.right) lines.push({ side: row.right, sign: ' ', parts: undefined, row, isFirst: false })
      return
    }
    if (row.left) lines.push({ side: row.left, sign: '-', parts: parts?.left, row, isFirst })
    if (row.right) added.push({ side: row.right, sign: '+', parts: parts?.right, row, isFirst: isFirst && !row.left })
  })
  return [...lines, ...added]
}

const TONES = { '-': 'removed', '+': 'added', ' ': 'same' } as const

function UnifiedRows({ rows }: { rows: readonly Row[] }) {
  const say = useWords(words)
  return singles(rows).map(({ side, sign, parts, row, isFirst }) => (
    <tr
      key={`${sign}${side.number}`}
      data-change={isFirst || undefined}
      tabIndex={isFirst ? -1 : undefined}
      className={styles[TONES[sign]]}
    >
      <td className={styles['number']}>{side.number}</td>
      <td className={styles['sign']}>
        <span aria-hidden>{sign}</span>
        {sign !== ' ' && <span className="visually-hidden">{say(sign === '-' ? 'line-live' : 'line-wanted')}</span>}
      </td>
      <td className={styles['code']}>
        <Text side={side} parts={parts} />
        {sign === '-' && <Owners row={row} />}
      </td>
    </tr>
  ))
}
