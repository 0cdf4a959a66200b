import { useEffect, useState } from 'react'
import { Button, Field } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type Filter, type Filters, OUTCOMES } from './api'
import styles from './page.module.css'
import { words } from './words'

const TYPING_PAUSE_MS = 400
const TEXTS = ['actor', 'action', 'object', 'project'] as const

/** What narrows the list; each change goes into the address. */
export function FilterForm({
  filters,
  onChange,
  onClear,
}: {
  filters: Filters
  onChange: (filter: Filter, value: string) => void
  onClear: (() => void) | undefined
}) {
  const say = useWords(words)
  return (
    <search aria-label={say('filters')} className={styles['filters']}>
      {TEXTS.map((each) => (
        <TextFilter key={each} label={say(each)} value={filters[each]} onChange={(value) => onChange(each, value)} />
      ))}
      <Field label={say('outcome')}>
        <select value={filters.outcome} onChange={(event) => onChange('outcome', event.target.value)}>
          <option value="">{say('all')}</option>
          {OUTCOMES.map((each) => (
            <option key={each} value={each}>
              {say(each)}
            </option>
          ))}
        </select>
      </Field>
      {(['from', 'to'] as const).map((each) => (
        <Field key={each} label={say(each)}>
          <input type="datetime-local" value={filters[each]} onChange={(event) => onChange(each, event.target.value)} />
        </Field>
      ))}
      {onClear && (
        <Button look="quiet" onClick={onClear}>
          {say('clear')}
        </Button>
      )}
    </search>
  )
}

/** A field that asks the server once the reader pauses. */
function TextFilter({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => onChange(text.trim()), TYPING_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text, value, onChange])
  return (
    <Field label={label}>
      <input type="search" autoComplete="off" value={text} onChange={(event) => setText(event.target.value)} />
    </Field>
  )
}
