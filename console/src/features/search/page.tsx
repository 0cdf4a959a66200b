import { SearchX } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { applicationPlace, type Found, type Resource, resourcePlace, useSearch } from '@/shared/api/search'
import type { Row } from '@/shared/api/types'
import { useExported } from '@/shared/exporting'
import { Ago, Button, Callout, type Column, Empty, Loaded, Page, Status, Table, wordOf } from '@/shared/ui'
import { words as statusWords } from '@/shared/ui/words'
import { useWords } from '@/shared/words'
import styles from './page.module.css'
import { HEALTHS, nextLimit, queryOf, readState, type SearchState, writeState } from './state'
import { words } from './words'

const EXAMPLES = ['health=Degraded', 'kind=Deployment', 'q=pod', 'health=Missing']
const PAUSE_MS = 200

export function Component() {
  const say = useWords(words)
  const [parameters, setParameters] = useSearchParams()
  const state = readState(parameters)
  const query = queryOf(state)
  const search = useSearch(query)
  const change = (next: SearchState) => setParameters(writeState(next), { replace: true })
  return (
    <Page title={say('title')} lead={say('lead')}>
      <Form state={state} kinds={search.data?.counts.kind ?? {}} onChange={change} />
      {query === null ? (
        <Begin />
      ) : (
        <Loaded query={search}>
          {(found) => <Results found={found} limit={state.limit} onMore={(limit) => change({ ...state, limit })} />}
        </Loaded>
      )}
    </Page>
  )
}

/** The fields; what is typed counts after a short pause. */
function Form({
  state,
  kinds,
  onChange,
}: {
  state: SearchState
  kinds: Readonly<Record<string, number>>
  onChange: (state: SearchState) => void
}) {
  const say = useWords(words)
  const sayStatus = useWords(statusWords)
  const names = [...new Set([...Object.keys(kinds), ...(state.kind ? [state.kind] : [])])].sort()
  const text = (name: 'q' | 'image' | 'label') => (value: string) => onChange({ ...state, [name]: value })
  return (
    <search className={styles['form']}>
      <TypedField
        label={say('words')}
        placeholder={say('words-placeholder')}
        value={state.q}
        onChange={text('q')}
        isMain
      />
      <select
        aria-label={say('kind')}
        value={state.kind}
        onChange={(event) => onChange({ ...state, kind: event.target.value })}
      >
        <option value="">{say('kind-any')}</option>
        {names.map((kind) => (
          <option key={kind} value={kind}>
            {kinds[kind] === undefined ? kind : `${kind} (${kinds[kind]})`}
          </option>
        ))}
      </select>
      <select
        aria-label={say('health')}
        value={state.health}
        onChange={(event) => onChange({ ...state, health: event.target.value })}
      >
        <option value="">{say('health-any')}</option>
        {HEALTHS.map((health) => (
          <option key={health} value={health}>
            {sayStatus(health)}
          </option>
        ))}
      </select>
      <TypedField label={say('image')} placeholder={say('image')} value={state.image} onChange={text('image')} />
      <TypedField label={say('label')} placeholder="team=web" value={state.label} onChange={text('label')} />
    </search>
  )
}

function TypedField({
  label,
  placeholder,
  value,
  onChange,
  isMain = false,
}: {
  label: string
  placeholder: string
  value: string
  onChange: (text: string) => void
  isMain?: boolean
}) {
  const [text, setText] = useState(value)
  const [told, setTold] = useState(value)
  if (told !== value) {
    setTold(value)
    setText(value)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: the pause begins anew with what is typed, not with each drawing.
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => {
      setTold(text)
      onChange(text)
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text, value])
  return (
    <input
      type="search"
      className={isMain ? styles['main'] : undefined}
      aria-label={label}
      placeholder={placeholder}
      // biome-ignore lint/a11y/noAutofocus: the page is there to be typed into.
      autoFocus={isMain}
      autoComplete="off"
      spellCheck={false}
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  )
}

function Begin() {
  const say = useWords(words)
  return (
    <Empty title={say('begin')}>
      <p>{say('begin-hint')}</p>
      <p className={styles['examples']}>
        {say('examples')}
        {EXAMPLES.map((each) => (
          <Link key={each} to={`/search?${each}`}>
            <code>{each}</code>
          </Link>
        ))}
      </p>
    </Empty>
  )
}

function Results({ found, limit, onMore }: { found: Found; limit: number; onMore: (limit: number) => void }) {
  const say = useWords(words)
  const { total } = found
  const applications = found.applications.map((each) => ({ kind: 'Application', ...each }))
  useExported('found', [...applications, ...found.resources])
  const shown = Math.max(found.resources.length, found.applications.length)
  const next = nextLimit(shown, Math.max(total.resources, total.applications), limit)
  return (
    <>
      {found.problem && (
        <Callout tone="warn" role="status">
          {found.problem.text}
        </Callout>
      )}
      {total.applications + total.resources === 0 && !found.problem && (
        <Empty title={say('none')}>
          <SearchX size={20} aria-hidden />
          <p>{say('none-hint')}</p>
        </Empty>
      )}
      {total.applications > 0 && (
        <Section title={say('applications')} shown={found.applications.length} total={total.applications}>
          <Applications rows={found.applications} />
        </Section>
      )}
      {total.resources > 0 && (
        <Section title={say('resources')} shown={found.resources.length} total={total.resources}>
          <Resources resources={found.resources} />
        </Section>
      )}
      {next !== null && (
        <p>
          <Button onClick={() => onMore(next)}>{say('more')}</Button>
        </p>
      )}
    </>
  )
}

function Section(props: { title: string; shown: number; total: number; children: React.ReactNode }) {
  const say = useWords(words)
  return (
    <section className={styles['section']}>
      <h2>
        {props.title}{' '}
        <span className={styles['count']}>{say('shown', { shown: props.shown, total: props.total })}</span>
      </h2>
      {props.children}
    </section>
  )
}

function Applications({ rows }: { rows: readonly Row[] }) {
  const say = useWords(words)
  const columns: Column<Row>[] = [
    { id: 'name', label: say('name'), cell: (row) => <Link to={applicationPlace(row)}>{row.name}</Link> },
    { id: 'health', label: say('health'), cell: (row) => <Status value={row.health} /> },
    { id: 'sync', label: say('sync'), cell: (row) => <Status value={row.sync} /> },
    { id: 'project', label: say('project'), cell: (row) => row.project },
    { id: 'cluster', label: say('cluster'), cell: (row) => row.cluster },
    { id: 'namespace', label: say('namespace'), cell: (row) => row.destinationNamespace },
  ]
  return (
    <Table label={say('applications')} columns={columns} rows={rows} keyOf={(row) => `${row.namespace}/${row.name}`} />
  )
}

function Resources({ resources }: { resources: readonly Resource[] }) {
  const say = useWords(words)
  const columns: Column<Resource>[] = [
    { id: 'kind', label: say('kind'), cell: (each) => <span title={each.group}>{each.kind}</span> },
    { id: 'name', label: say('name'), cell: (each) => <Link to={resourcePlace(each)}>{each.name}</Link> },
    {
      id: 'health',
      label: say('health'),
      cell: (each) => (each.health ? <Status value={wordOf(each.health)} /> : '–'),
    },
    { id: 'namespace', label: say('namespace'), cell: (each) => each.namespace || '–' },
    { id: 'cluster', label: say('cluster'), cell: (each) => each.cluster },
    {
      id: 'application',
      label: say('application'),
      cell: (each) => (
        <Link to={applicationPlace({ namespace: each.applicationNamespace, name: each.application })}>
          {each.application}
        </Link>
      ),
    },
    { id: 'images', label: say('images'), cell: (each) => each.images.join(', ') || '–' },
    { id: 'age', label: say('age'), cell: (each) => <Ago at={each.createdAt} /> },
  ]
  const keyOf = (each: Resource) => [each.cluster, each.group, each.kind, each.namespace, each.name].join('/')
  return <Table label={say('resources')} columns={columns} rows={resources} keyOf={keyOf} />
}
