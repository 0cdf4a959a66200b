import { type KeyboardEvent, useDeferredValue, useId, useState } from 'react'
import { useNavigate } from 'react-router'
import { clusterPlace, useClusterNames } from '@/shared/api/clusters'
import { applicationPlace, resourcePlace, useSearch } from '@/shared/api/search'
import { type Command, useAllCommands } from '@/shared/commands'
import { Dialog, Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import styles from './palette.module.css'
import { rank } from './palette-ranking'
import { readVerb } from './palette-verbs'
import { words } from './words'

const COMMANDS = 8
/** Of each: applications, objects. */
const FOUND = 8
const LEAST_LETTERS = 2

interface Entry extends Command {
  /** Beside the title, such as where an object is. */
  detail?: string
  /** States to be marked. */
  marks?: readonly string[]
}

/** What the server finds for a text: applications, objects, clusters, then the page with all of it. */
function useFound(text: string): { entries: Entry[]; isWaiting: boolean } {
  const say = useWords(words)
  const navigate = useNavigate()
  const wanted = useDeferredValue(text.trim())
  const said = readVerb(wanted)
  const search = useSearch(wanted.length < LEAST_LETTERS ? null : { q: said?.rest ?? wanted, limit: FOUND })
  const clusters = useClusterNames(wanted.length >= LEAST_LETTERS).data ?? []
  if (wanted.length < LEAST_LETTERS) return { entries: [], isWaiting: false }
  const places = clusters
    .filter((name) => name.toLowerCase().includes(wanted.toLowerCase()))
    .slice(0, FOUND)
    .map((name) => ({
      id: `cluster ${name}`,
      title: name,
      group: say('cluster'),
      run: () => void navigate(clusterPlace(name)),
    }))
  const applications = (search.data?.applications ?? []).map((row) => ({
    id: `application ${row.namespace}/${row.name}`,
    title: row.name,
    group: say('application'),
    detail: `${row.project} · ${row.cluster} / ${row.destinationNamespace}`,
    marks: [row.sync, row.health],
    place: applicationPlace(row),
    run: () => void navigate(applicationPlace(row)),
  }))
  const doing = ({ place, ...each }: (typeof applications)[number], group: string, tab: string): Entry => ({
    ...each,
    id: `${tab} ${each.id}`,
    group,
    run: () => void navigate(`${place}/${tab}`),
  })
  const actions = said ? applications.map((each) => doing(each, `${say('act')}: ${said.verb}`, said.tab)) : []
  const resources = (search.data?.resources ?? []).map((each) => ({
    id: `resource ${each.cluster} ${each.uid} ${each.group}/${each.kind}/${each.namespace}/${each.name}`,
    title: each.name,
    group: each.kind,
    detail: each.namespace ? `${each.namespace} · ${each.application}` : each.application,
    marks: each.health ? [each.health] : [],
    run: () => void navigate(resourcePlace(each)),
  }))
  const { applications: apps = 0, resources: objects = 0 } = search.data?.total ?? {}
  const all: Entry = {
    id: 'search all',
    title: say('search-all', { text: said?.rest ?? wanted, n: apps + objects }),
    group: say('search'),
    run: () => void navigate(`/search?${new URLSearchParams({ q: said?.rest ?? wanted })}`),
  }
  return {
    entries: [...actions, ...applications, ...resources, ...places, ...(apps + objects > 0 ? [all] : [])],
    isWaiting: search.isFetching && search.data === undefined,
  }
}

/** Everything by its name: pages, actions of the page, preferences, applications, objects, clusters. */
export function Palette({ onClose }: { onClose: () => void }) {
  const say = useWords(words)
  const list = useId()
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  const { entries, isWaiting } = useFound(text)
  const commands: Entry[] = rank(useAllCommands(), text).slice(0, text.trim() ? COMMANDS : 2 * COMMANDS)
  const found = [...commands, ...entries]
  const at = Math.min(chosen, found.length - 1)
  const run = (entry: Entry | undefined) => {
    if (!entry) return
    onClose()
    entry.run()
  }
  const onKey = (event: KeyboardEvent) => {
    // Enter that ends the input of Japanese chooses nothing.
    if (event.key === 'Enter' && !event.nativeEvent.isComposing) run(found[at])
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0 || found.length === 0) return
    event.preventDefault()
    const next = (at + step + found.length) % found.length
    setChosen(next)
    document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: 'nearest' })
  }
  return (
    <Dialog title={say('palette')} onClose={onClose} look="top">
      <input
        className={styles['input']}
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={found[at] ? `${list}-${at}` : undefined}
        aria-label={say('palette')}
        placeholder={say('palette-placeholder')}
        autoFocus
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setChosen(0)
        }}
        onKeyDown={onKey}
      />
      <div role="listbox" id={list} aria-label={say('palette')} className={styles['list']}>
        {found.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above keeps the focus and handles the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: see above.
          <div
            key={entry.id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === at}
            className={styles['option']}
            onClick={() => run(entry)}
          >
            <span className={styles['group']}>{entry.group}</span>
            <span className={styles['title']} title={entry.title}>
              {entry.title}
            </span>
            {entry.detail && (
              <span className={styles['detail']} title={entry.detail}>
                {entry.detail}
              </span>
            )}
            {entry.marks?.map((mark) => (
              <Status key={mark} value={mark} variant="icon" />
            ))}
            {entry.keys && <kbd>{entry.keys}</kbd>}
          </div>
        ))}
      </div>
      <p role="status" className={found.length > 0 && !isWaiting ? 'visually-hidden' : styles['none']}>
        {isWaiting ? say('searching') : say('found', { n: found.length })}
      </p>
    </Dialog>
  )
}
