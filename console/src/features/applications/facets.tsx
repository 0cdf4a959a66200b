import { X } from 'lucide-react'
import { type Ref, useEffect, useRef, useState } from 'react'
import { Button, Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Counts } from './api'
import styles from './facets.module.css'
import { clearFilters, FACETS, type Facet, isFiltered, type ListState, toggleFacet } from './state'
import { words } from './words'

const SHOWN = 8
const STATUSES: Partial<Record<Facet, readonly string[]>> = {
  health: ['Degraded', 'Missing', 'Progressing', 'Suspended', 'Unknown', 'Healthy'],
  sync: ['OutOfSync', 'Unknown', 'Synced'],
}

interface Props {
  state: ListState
  counts: Readonly<Record<string, Counts>>
  onChange: (state: ListState) => void
}

/** The words of a facet in the order they are offered: states in their own, others by how many have them, then by name. */
export function wordsOf(facet: Facet, counts: Counts, chosen: readonly string[]): string[] {
  const found = [...new Set([...Object.keys(counts), ...chosen])]
  const order = STATUSES[facet]
  if (order) return found.sort((one, other) => order.indexOf(one) - order.indexOf(other))
  return found.sort((one, other) => (counts[other] ?? 0) - (counts[one] ?? 0) || one.localeCompare(other))
}

/** What the list can be narrowed by, with how many each would leave. */
export function Facets(props: Props) {
  const say = useWords(words)
  const { state, onChange } = props
  return (
    <div className={styles['facets']}>
      {FACETS.map((facet) => (
        <FacetBox key={facet} facet={facet} {...props} />
      ))}
      <LabelBox key={state.label} {...props} />
      {isFiltered(state) && <Button onClick={() => onChange(clearFilters(state))}>{say('clear-filters')}</Button>}
    </div>
  )
}

function FacetBox({ facet, state, counts, onChange }: Props & { facet: Facet }) {
  const say = useWords(words)
  const [isWhole, setWhole] = useState(false)
  const chosen = state.facets[facet]
  const figures = counts[facet] ?? {}
  const all = wordsOf(facet, figures, chosen)
  const shown = isWhole ? all : all.filter((word, index) => index < SHOWN || chosen.includes(word))
  if (all.length === 0) return null
  return (
    <fieldset className={styles['facet']}>
      <legend>{say(facet)}</legend>
      <div className={styles['words']}>
        {shown.map((word) => (
          <label key={word} className={styles['word']}>
            <input
              type="checkbox"
              checked={chosen.includes(word)}
              onChange={() => onChange(toggleFacet(state, facet, word))}
            />
            <span className={styles['text']} title={word}>
              {STATUSES[facet] ? <Status value={word} /> : word || say('no-word')}
            </span>
            <span className={styles['count']}>{(figures[word] ?? 0).toLocaleString()}</span>
          </label>
        ))}
      </div>
      {all.length > SHOWN && (
        <button type="button" className={styles['whole']} onClick={() => setWhole(!isWhole)}>
          {say(isWhole ? 'show-fewer' : 'show-all', { n: all.length })}
        </button>
      )}
    </fieldset>
  )
}

function LabelBox({ state, onChange }: Props) {
  const say = useWords(words)
  const [text, setText] = useState(state.label)
  const send = () => text.trim() !== state.label && onChange({ ...state, label: text.trim() })
  return (
    <label className={styles['facet']}>
      <span className={styles['legend']}>{say('label-filter')}</span>
      <input
        type="text"
        value={text}
        placeholder="team=web"
        title={say('label-filter-hint')}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onBlur={send}
        onKeyDown={(event) => event.key === 'Enter' && send()}
      />
    </label>
  )
}

/** The filters that are on, each to be taken away by itself. */
export function Chips({ state, onChange }: Pick<Props, 'state' | 'onChange'>) {
  const say = useWords(words)
  const chips = FACETS.flatMap((facet) =>
    state.facets[facet].map((word) => ({
      id: `${facet} ${word}`,
      name: say(facet),
      word: word || say('no-word'),
      without: () => toggleFacet(state, facet, word),
    })),
  )
  if (state.label) {
    const without = () => ({ ...state, label: '' })
    chips.push({ id: 'label', name: say('label-filter'), word: state.label, without })
  }
  if (chips.length === 0) return null
  return (
    <ul className={styles['chips']}>
      {chips.map(({ id, name, word, without }) => (
        <li key={id}>
          <button
            type="button"
            className={styles['chip']}
            title={say('drop-filter', { filter: `${name}: ${word}` })}
            onClick={() => onChange(without())}
          >
            <span className={styles['chip-name']}>{name}</span> {word} <X size={14} aria-hidden />
          </button>
        </li>
      ))}
      <li>
        <Button look="quiet" onClick={() => onChange(clearFilters(state))}>
          {say('clear-filters')}
        </Button>
      </li>
    </ul>
  )
}

const PAUSE_MS = 200

/** The search field; what is typed counts after a short pause. */
export function SearchField({
  value,
  onChange,
  input,
}: {
  value: string
  onChange: (text: string) => void
  input: Ref<HTMLInputElement>
}) {
  const say = useWords(words)
  const [text, setText] = useState(value)
  const [told, setTold] = useState(value)
  if (told !== value) {
    // Changed from outside: filters were cleared, or the reader went back.
    setTold(value)
    setText(value)
  }
  const latest = useRef(onChange)
  latest.current = onChange
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => {
      setTold(text)
      latest.current(text)
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text, value])
  return (
    <input
      ref={input}
      type="search"
      className={styles['search']}
      aria-label={say('search')}
      aria-keyshortcuts="/"
      placeholder={say('search-placeholder')}
      value={text}
      autoComplete="off"
      spellCheck={false}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
    />
  )
}
