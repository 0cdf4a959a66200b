import { ChevronDown, Search, X } from 'lucide-react'
import { type ReactNode, useRef } from 'react'
import { useAddress } from '@/shared/address'
import { useCommands } from '@/shared/commands'
import { IconButton, usePanel } from '@/shared/ui'
import { useWords } from '@/shared/words'
import styles from './filters.module.css'
import { countBy, filtersOf, healthOf, isFiltering, type Node } from './nodes'
import { words } from './words'

/** What of the application's objects is shown: words, kinds, health, sync. It lives in the URL and serves every view. */
export function FilterBar({ nodes, shown, children }: { nodes: readonly Node[]; shown: number; children?: ReactNode }) {
  const say = useWords(words)
  const { params, change } = useAddress()
  const field = useRef<HTMLInputElement>(null)
  const filters = filtersOf(params)
  useCommands([
    { id: 'app filter', title: say('filter'), group: say('group'), keys: '/', run: () => field.current?.focus() },
  ])
  const choose = (name: string) => (chosen: readonly string[]) =>
    change((next) => {
      next.delete(name)
      for (const each of chosen) next.append(name, each)
    })
  const clear = () =>
    change((next) => {
      for (const each of ['q', 'kind', 'health', 'sync']) next.delete(each)
    })
  return (
    <div className={styles['bar']}>
      <span className={styles['find']}>
        <Search size={15} aria-hidden />
        <input
          ref={field}
          type="search"
          aria-label={say('filter')}
          placeholder={say('filter-placeholder')}
          value={filters.text}
          onChange={(event) => {
            const text = event.target.value
            change((next) => (text ? next.set('q', text) : next.delete('q')))
          }}
          onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
        />
      </span>
      <Facet
        label={say('kind')}
        counts={countBy(nodes, (node) => node.kind)}
        chosen={filters.kinds}
        onChange={choose('kind')}
      />
      <Facet
        label={say('health')}
        counts={countBy(nodes, healthOf)}
        chosen={filters.health}
        onChange={choose('health')}
      />
      <Facet
        label={say('sync')}
        counts={countBy(nodes, (node) => node.sync)}
        chosen={filters.sync}
        onChange={choose('sync')}
      />
      {isFiltering(filters) && (
        <IconButton label={say('filter-clear')} onClick={clear}>
          <X size={16} aria-hidden />
        </IconButton>
      )}
      {children}
      <span className={styles['count']} role="status">
        {shown === nodes.length ? say('objects', { n: nodes.length }) : say('shown', { n: shown, total: nodes.length })}
      </span>
    </div>
  )
}

/** A menu of words with how often each is there. */
export function Facet({
  label,
  counts,
  chosen,
  onChange,
}: {
  label: string
  counts: readonly (readonly [string, number])[]
  chosen: readonly string[]
  onChange: (chosen: readonly string[]) => void
}) {
  const say = useWords(words)
  const { isOpen, toggle, anchor } = usePanel()
  const name = (word: string) => (word === 'None' ? say('none') : word)
  return (
    <div {...anchor} className={styles['facet']}>
      <button
        type="button"
        className={styles['opener']}
        aria-expanded={isOpen}
        data-chosen={chosen.length > 0 || undefined}
        onClick={toggle}
      >
        {label}
        {chosen.length > 0 && <strong>{chosen.length === 1 ? name(chosen[0] ?? '') : chosen.length}</strong>}
        <ChevronDown size={14} aria-hidden />
      </button>
      {isOpen && (
        <fieldset className={styles['menu']} aria-label={label}>
          {counts.map(([word, count]) => (
            <label key={word}>
              <input
                type="checkbox"
                checked={chosen.includes(word)}
                onChange={(event) =>
                  onChange(event.target.checked ? [...chosen, word] : chosen.filter((each) => each !== word))
                }
              />
              <span>{name(word)}</span>
              <span className={styles['number']}>{count}</span>
            </label>
          ))}
        </fieldset>
      )}
    </div>
  )
}
