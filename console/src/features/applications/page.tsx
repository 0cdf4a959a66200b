import { CircleAlert, Filter, RefreshCw, RotateCw } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'
import { isCurrent, useStanding } from '@/shared/api/standing'
import type { StreamState } from '@/shared/api/stream'
import type { Row } from '@/shared/api/types'
import { useCommands } from '@/shared/commands'
import { useExported } from '@/shared/exporting'
import { Button, Dialog, Empty, Loaded, Page, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { askAll, type Listing, placeOf, useFirst } from './api'
import type { Action } from './bulk'
import styles from './bulk.module.css'
import { BulkDialog } from './bulk-dialog'
import { useChanges } from './changes'
import { Chips, Facets, SearchField } from './facets'
import { keyOfGroup } from './lines'
import { List, type ListHandle } from './list'
import page from './page.module.css'
import { HealthCounts } from './parts'
import { type Selection, useSelection } from './selection'
import { clearFilters, FACETS, isFiltered, type ListState, LOOKS, queryOf, readState, writeState } from './state'
import { ColumnsMenu, GroupSelect, LookSwitch, SortSelect } from './toolbar'
import bars from './toolbar.module.css'
import { ViewMenu } from './view-menu'
import { Welcome } from './welcome'
import { words } from './words'

/** Applications one action can be taken on at once. */
const MOST_SELECTED = 2000
const MOST_EXPORTED = 20_000

function useListState(): [ListState, (state: ListState) => void] {
  const [parameters, setParameters] = useSearchParams()
  const text = parameters.toString()
  const state = useMemo(() => readState(new URLSearchParams(text)), [text])
  // What is typed is no place to go back to; filters and looks are.
  return [state, (next) => setParameters(writeState(next), { replace: next.search !== state.search })]
}

export function Component() {
  const say = useWords(words)
  const [state, change] = useListState()
  const first = useFirst(queryOf(state))
  useExported('applications', first.data && (() => askAll(queryOf(state), MOST_EXPORTED)))
  const stream = useChanges(first.data?.cursor)
  const total = first.data?.total
  const isEmpty = total === 0 && !isFiltered(state)
  const lead = total !== undefined && !isEmpty && (
    <span className={page['lead']}>
      {say(isFiltered(state) ? 'total-filtered' : 'total', { total: total.toLocaleString() })}
      <Liveness stream={stream} />
      <HealthCounts counts={first.data?.counts['health'] ?? {}} />
    </span>
  )
  return (
    <Page title={say('title')} lead={lead}>
      <Loaded query={first}>
        {(listing) => (isEmpty ? <Welcome /> : <Applications state={state} change={change} first={listing} />)}
      </Loaded>
    </Page>
  )
}

/** Whether changes appear by themselves, and whether there is anybody who would make any known. */
function Liveness({ stream }: { stream: StreamState }) {
  const say = useWords(words)
  const standing = useStanding()
  if (stream === 'lost') {
    return (
      <span className={page['lost']}>
        <RotateCw size={14} aria-hidden /> {say('lost')}
      </span>
    )
  }
  if (!isCurrent(standing)) {
    return (
      <span className={page['lost']} title={say('old-hint')}>
        <CircleAlert size={14} aria-hidden /> {say('old')}
      </span>
    )
  }
  return (
    <span className={page['live']} title={say('live-hint')}>
      {say('live')}
    </span>
  )
}

function Applications({
  state,
  change,
  first,
}: {
  state: ListState
  change: (state: ListState) => void
  first: Listing
}) {
  const selection = useSelection()
  const list = useRef<ListHandle>(null)
  const search = useRef<HTMLInputElement>(null)
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set())
  const [bulk, setBulk] = useState<{ action: Action; rows: readonly Row[] } | null>(null)
  const begin = (action: Action) => {
    const current = list.current?.current()
    const rows = selection.selected.size > 0 ? [...selection.selected.values()] : current ? [current] : []
    if (rows.length > 0) setBulk({ action, rows })
  }
  useListCommands({ state, change, selection, list, search, begin })
  const fold = (key: string) =>
    setFolded((before) => new Set(before.has(key) ? [...before].filter((each) => each !== key) : [...before, key]))
  const toggleAll = () => setFolded(folded.size > 0 ? new Set() : new Set(first.groups.map(keyOfGroup)))
  return (
    <>
      <Toolbar
        state={state}
        change={change}
        first={first}
        search={search}
        areFolded={folded.size > 0}
        onFoldAll={toggleAll}
      />
      <Chips state={state} onChange={change} />
      <div className={page['columns']}>
        <aside className={page['side']}>
          <Facets state={state} counts={first.counts} onChange={change} />
        </aside>
        <div className={page['main']}>
          {first.total === 0 ? (
            <NoneFound state={state} change={change} />
          ) : (
            <List
              state={state}
              first={first}
              selection={selection}
              folded={folded}
              onFold={fold}
              onChange={change}
              handle={list}
            />
          )}
          {selection.selected.size > 0 && (
            <SelectionBar selection={selection} state={state} total={first.total} begin={begin} />
          )}
        </div>
      </div>
      {bulk && <BulkDialog {...bulk} onClose={() => setBulk(null)} />}
    </>
  )
}

function Toolbar({
  state,
  change,
  first,
  search,
  areFolded,
  onFoldAll,
}: {
  state: ListState
  change: (state: ListState) => void
  first: Listing
  search: React.Ref<HTMLInputElement>
  areFolded: boolean
  onFoldAll: () => void
}) {
  const say = useWords(words)
  const [isOpen, setOpen] = useState(false)
  const active = FACETS.reduce((sum, facet) => sum + state.facets[facet].length, state.label ? 1 : 0)
  return (
    <div className={bars['bar']}>
      <SearchField input={search} value={state.search} onChange={(text) => change({ ...state, search: text })} />
      <span className={page['filter']}>
        <Button onClick={() => setOpen(true)}>
          <Filter size={16} aria-hidden /> {active > 0 ? say('filters-active', { n: active }) : say('filters')}
        </Button>
      </span>
      <GroupSelect state={state} onChange={change} rows={first.items} />
      <SortSelect state={state} onChange={change} />
      {first.groups.length > 1 && (
        <Button look="quiet" onClick={onFoldAll}>
          {say(areFolded ? 'unfold-all' : 'fold-all')}
        </Button>
      )}
      <span className={page['looks']}>
        <ViewMenu state={state} />
        {state.look === 'table' && (
          <span className={page['wide']}>
            <ColumnsMenu state={state} onChange={change} />
          </span>
        )}
        <LookSwitch state={state} onChange={change} />
      </span>
      {isOpen && (
        <Dialog title={say('filters')} onClose={() => setOpen(false)} look="side">
          <Facets state={state} counts={first.counts} onChange={change} />
        </Dialog>
      )}
    </div>
  )
}

function NoneFound({ state, change }: { state: ListState; change: (state: ListState) => void }) {
  const say = useWords(words)
  return (
    <Empty title={say('none-found')}>
      <p>{say('none-found-hint')}</p>
      <Button onClick={() => change(clearFilters(state))}>{say('clear-filters')}</Button>
    </Empty>
  )
}

function SelectionBar({
  selection,
  state,
  total,
  begin,
}: {
  selection: Selection
  state: ListState
  total: number
  begin: (action: Action) => void
}) {
  const say = useWords(words)
  const notes = useNotes()
  const count = selection.selected.size
  const all = Math.min(total, MOST_SELECTED)
  const takeAll = async () => selection.replace(await askAll(queryOf(state), MOST_SELECTED))
  return (
    <div className={styles['bar']}>
      <strong role="status">{say('selected', { n: count })}</strong>
      {count < all && (
        <Button look="quiet" onClick={() => void takeAll().catch(notes.failed)}>
          {say(total > MOST_SELECTED ? 'select-most' : 'select-all', { n: all })}
        </Button>
      )}
      <Button look="quiet" onClick={() => selection.replace([])}>
        {say('clear-selection')}
      </Button>
      <Button onClick={() => begin('refresh')}>
        <RotateCw size={16} aria-hidden /> {say('refresh-action')}
      </Button>
      <Button look="primary" onClick={() => begin('sync')}>
        <RefreshCw size={16} aria-hidden /> {say('sync-action')}
      </Button>
    </div>
  )
}

function useListCommands({
  state,
  change,
  selection,
  list,
  search,
  begin,
}: {
  state: ListState
  change: (state: ListState) => void
  selection: Selection
  list: React.RefObject<ListHandle | null>
  search: React.RefObject<HTMLInputElement | null>
  begin: (action: Action) => void
}): void {
  const say = useWords(words)
  const navigate = useNavigate()
  const group = say('title')
  const withCurrent = (run: (row: Row) => void) => () => {
    const row = list.current?.current()
    if (row) run(row)
  }
  useCommands([
    { id: 'list search', title: say('search-key'), group, keys: '/', run: () => search.current?.focus() },
    { id: 'list next', title: say('next-key'), group, keys: 'j', run: () => list.current?.step(1) },
    { id: 'list previous', title: say('previous-key'), group, keys: 'k', run: () => list.current?.step(-1) },
    {
      id: 'list open',
      title: say('open-key'),
      group,
      keys: 'o',
      run: withCurrent((row) => void navigate(placeOf(row))),
    },
    {
      id: 'list select',
      title: say('select-key'),
      group,
      keys: 'x',
      run: withCurrent((row) => selection.toggle([row])),
    },
    { id: 'list refresh', title: say('refresh-key'), group, keys: 'r', run: () => begin('refresh') },
    { id: 'list sync', title: say('sync-key'), group, keys: 's', run: () => begin('sync') },
    ...LOOKS.map((look, index) => ({
      id: `list ${look}`,
      title: say('look-key', { look: say(look) }),
      group,
      keys: `v ${index + 1}`,
      run: () => change({ ...state, look }),
    })),
  ])
}
