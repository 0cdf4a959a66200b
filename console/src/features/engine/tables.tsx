import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { type Column, Table } from '@/shared/ui'
import { useLanguage, useWords } from '@/shared/words'
import { type ClusterFigures, type Figures, shortSize, shortTime, type Times } from './api'
import { Numbers } from './numbers'
import styles from './page.module.css'
import { words } from './words'

type Part = { figures: Figures }

function Section({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  return (
    <section className={styles['section']}>
      <h2>{title}</h2>
      <p className={styles['lead']}>{text}</p>
      {children}
    </section>
  )
}

/** A table, or that there is nothing for it yet. */
function Rows<Row>(table: { label: string; columns: Column<Row>[]; rows: Row[]; keyOf: (row: Row) => string }) {
  const say = useWords(words)
  return table.rows.length > 0 ? <Table {...table} /> : <p className={styles['lead']}>{say('nothing')}</p>
}

export function Renders({ figures: { render } }: Part) {
  const say = useWords(words)
  const language = useLanguage()
  type Row = readonly [string, Times]
  const columns: Column<Row>[] = [
    { id: 'tool', label: say('tool'), cell: ([tool]) => tool },
    { id: 'count', label: say('count'), cell: ([, times]) => times.count.toLocaleString(language), isNumber: true },
    { id: 'p50', label: say('median-column'), cell: ([, { p50 }]) => shortTime(p50), isNumber: true },
    { id: 'p99', label: say('slowest-column'), cell: ([, { p99 }]) => shortTime(p99), isNumber: true },
  ]
  return (
    <Section title={say('renders')} text={say('renders-text')}>
      <Numbers
        numbers={[
          [say('hits'), render.hits],
          [say('made'), render.renders],
          [say('errors'), render.errors],
          [say('entries'), render.entries],
          [say('disk'), render.bytes === undefined ? undefined : shortSize(render.bytes)],
          [say('in-memory'), render.memory_bytes === undefined ? undefined : shortSize(render.memory_bytes)],
        ]}
      />
      <Rows label={say('renders')} columns={columns} rows={Object.entries(render.times)} keyOf={([tool]) => tool} />
    </Section>
  )
}

export function Slow({ figures: { slow } }: Part) {
  const say = useWords(words)
  const columns: Column<Figures['slow'][number]>[] = [
    {
      id: 'application',
      label: say('application'),
      cell: ({ namespace, name }) => (
        <Link to={`/applications/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`}>
          {namespace}/{name}
        </Link>
      ),
    },
    { id: 'took', label: say('took'), cell: ({ seconds }) => shortTime(seconds), isNumber: true },
  ]
  return (
    <Section title={say('slow')} text={say('slow-text')}>
      <Rows label={say('slow')} columns={columns} rows={slow} keyOf={(each) => `${each.namespace}/${each.name}`} />
    </Section>
  )
}

export function Noisy({ figures: { noisy } }: Part) {
  const say = useWords(words)
  const language = useLanguage()
  const nameOf = ({ group, kind, namespace, name }: Figures['noisy'][number]) =>
    `${kind}${group && `.${group}`} ${namespace && `${namespace}/`}${name}`
  const columns: Column<Figures['noisy'][number]>[] = [
    { id: 'object', label: say('object'), cell: nameOf },
    { id: 'cluster', label: say('cluster'), cell: ({ server }) => server },
    { id: 'changes', label: say('changes'), cell: (each) => each.changes.toLocaleString(language), isNumber: true },
  ]
  return (
    <Section title={say('noisy')} text={say('noisy-text')}>
      <Rows label={say('noisy')} columns={columns} rows={noisy} keyOf={(each) => `${each.server} ${nameOf(each)}`} />
    </Section>
  )
}

export function Budget({ figures: { clusters } }: Part) {
  const say = useWords(words)
  const language = useLanguage()
  const numbers = [
    ['objects', 'objects'],
    ['running', 'inFlight'],
    ['waiting', 'waiting'],
    ['window', 'window'],
    ['throttled', 'throttled'],
  ] as const
  const columns: Column<ClusterFigures>[] = [
    {
      id: 'cluster',
      label: say('cluster'),
      cell: ({ name, server, up }) => `${name || server}${up ? '' : ` (${say('away')})`}`,
    },
    ...numbers.map(([label, field]) => ({
      id: field,
      label: say(label),
      cell: (each: ClusterFigures) => each[field].toLocaleString(language),
      isNumber: true,
    })),
    { id: 'usual', label: say('usual'), cell: (each) => shortTime(each.usualSeconds), isNumber: true },
  ]
  return (
    <Section title={say('budget')} text={say('budget-text')}>
      <Rows label={say('budget')} columns={columns} rows={clusters} keyOf={(each) => each.server} />
    </Section>
  )
}
