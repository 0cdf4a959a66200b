import { ArrowDownUp, Columns3, Grid3x3, LayoutGrid, type LucideIcon, Rows3 } from 'lucide-react'
import type { Row } from '@/shared/api/types'
import { IconButton, Popover } from '@/shared/ui'
import { type Say, useWords } from '@/shared/words'
import { COLUMNS, GROUPS, LABEL, type ListState, LOOKS, type Look, SORTS } from './state'
import styles from './toolbar.module.css'
import { type Key, words } from './words'

const ICONS: Record<Look, LucideIcon> = { table: Rows3, tiles: LayoutGrid, map: Grid3x3 }
const MOST_LABELS = 12

interface Props {
  state: ListState
  onChange: (state: ListState) => void
}

export function LookSwitch({ state, onChange }: Props) {
  const say = useWords(words)
  return (
    <fieldset className={styles['looks']}>
      <legend className="visually-hidden">{say('look')}</legend>
      {LOOKS.map((look) => {
        const Icon = ICONS[look]
        return (
          <IconButton
            key={look}
            label={say(look)}
            aria-pressed={state.look === look}
            onClick={() => onChange({ ...state, look })}
          >
            <Icon size={16} aria-hidden />
          </IconButton>
        )
      })}
    </fieldset>
  )
}

/** Keys of labels that rows have, to group by; the one that is chosen is always among them. */
export function labelKeys(rows: readonly Pick<Row, 'labels'>[], group: string): string[] {
  const found = new Set(rows.flatMap((row) => Object.keys(row.labels)))
  const keys = [...found].sort().slice(0, MOST_LABELS)
  const chosen = group.startsWith(LABEL) ? group.slice(LABEL.length) : ''
  return chosen && !keys.includes(chosen) ? [...keys, chosen] : keys
}

/** What groups are by, in words: of a label's key the part after its domain, which is what people call it. */
export function nameOfGroup(group: string, say: Say<Key>): string {
  if (!group.startsWith(LABEL)) return say(group as Key)
  const key = group.slice(LABEL.length)
  return say('label', { label: key.slice(key.lastIndexOf('/') + 1) })
}

export function GroupSelect({ state, onChange, rows }: Props & { rows: readonly Row[] }) {
  const say = useWords(words)
  const labels = labelKeys(rows, state.group).map((key) => `${LABEL}${key}`)
  return (
    <select
      aria-label={say('group')}
      value={state.group}
      onChange={(event) => onChange({ ...state, group: event.target.value })}
    >
      <option value="">{say('group-none')}</option>
      {[...GROUPS, ...labels].map((group) => (
        <option key={group} value={group}>
          {say('group-by', { group: nameOfGroup(group, say) })}
        </option>
      ))}
    </select>
  )
}

export function SortSelect({ state, onChange }: Props) {
  const say = useWords(words)
  return (
    <span className={styles['sort']}>
      <select
        aria-label={say('sort')}
        value={state.sort}
        onChange={(event) => onChange({ ...state, sort: event.target.value as ListState['sort'], isReversed: false })}
      >
        {SORTS.map((sort) => (
          <option key={sort} value={sort}>
            {say('sort-by', { column: say(sort) })}
          </option>
        ))}
      </select>
      <IconButton
        label={say('turned')}
        aria-pressed={state.isReversed}
        onClick={() => onChange({ ...state, isReversed: !state.isReversed })}
      >
        <ArrowDownUp size={16} aria-hidden />
      </IconButton>
    </span>
  )
}

export function ColumnsMenu({ state, onChange }: Props) {
  const say = useWords(words)
  const toggle = (column: (typeof COLUMNS)[number]) => {
    const isShown = state.columns.includes(column)
    onChange({
      ...state,
      columns: COLUMNS.filter((each) => (each === column ? !isShown : state.columns.includes(each))),
    })
  }
  return (
    <Popover label={say('columns')} button={<Columns3 size={16} aria-label={say('columns')} />} title={say('columns')}>
      {() =>
        COLUMNS.map((column) => (
          <label key={column} className={styles['column']}>
            <input type="checkbox" checked={state.columns.includes(column)} onChange={() => toggle(column)} />
            {say(column)}
          </label>
        ))
      }
    </Popover>
  )
}
