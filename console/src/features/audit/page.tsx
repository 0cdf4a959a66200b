import { Download } from 'lucide-react'
import { useAddress } from '@/shared/address'
import { Button, type Column, Dialog, Empty, Facts, Loaded, Opener, Page, Table } from '@/shared/ui'
import { useLanguage, useWords } from '@/shared/words'
import { type Entry, exportUrl, FILTERS, filtersOf, useAudit } from './api'
import { FilterForm } from './filters'
import { Outcome } from './outcome'
import styles from './page.module.css'
import { words } from './words'

/** Who changed what. Filters and the opened entry stand in the address. */
export function Component() {
  const say = useWords(words)
  const { params: query, put } = useAddress()
  const filters = filtersOf(query)
  const audit = useAudit(filters)
  const entries = audit.data?.pages.flatMap((page) => page.items)
  const shown = entries?.find((each) => String(each.id) === query.get('show'))
  const isFiltered = FILTERS.some((each) => filters[each] !== '')
  const change = (name: string, value: string) => put({ [name]: value })
  const clear = () => put(Object.fromEntries(FILTERS.map((each) => [each, ''])), 'step')
  const actions = (['csv', 'json'] as const).map((format) => (
    <a key={format} className={styles['export']} href={exportUrl(filters, format)} download>
      <Download size={16} aria-hidden />
      {say(format)}
    </a>
  ))
  return (
    <Page title={say('title')} lead={say('lead')} actions={actions}>
      <FilterForm filters={filters} onChange={change} onClear={isFiltered ? clear : undefined} />
      <Loaded query={{ data: entries, error: audit.error, refetch: audit.refetch }}>
        {(items) =>
          items.length === 0 ? (
            <Empty title={say(isFiltered ? 'none-filtered' : 'none')} />
          ) : (
            <Entries items={items} onOpen={(each) => change('show', String(each.id))} />
          )
        }
      </Loaded>
      {audit.hasNextPage && (
        <div>
          <Button disabled={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
            {say('more')}
          </Button>
        </div>
      )}
      {shown && <Details entry={shown} onClose={() => change('show', '')} />}
    </Page>
  )
}

function Entries({ items, onOpen }: { items: readonly Entry[]; onOpen: (entry: Entry) => void }) {
  const say = useWords(words)
  const language = useLanguage()
  const columns: Column<Entry>[] = [
    {
      id: 'when',
      label: say('when'),
      cell: ({ at }) => <time dateTime={at}>{new Date(at).toLocaleString(language)}</time>,
    },
    { id: 'actor', label: say('actor'), cell: ({ actor }) => actor || '–' },
    {
      id: 'what',
      label: say('what'),
      cell: (each) => (
        <Opener title={say('show')} onOpen={() => onOpen(each)}>
          {each.action}
        </Opener>
      ),
    },
    { id: 'which', label: say('which'), cell: ({ object }) => object || '–' },
    { id: 'outcome', label: say('outcome'), cell: ({ outcome }) => <Outcome value={outcome} /> },
  ]
  return <Table label={say('entries')} columns={columns} rows={items} keyOf={(each) => String(each.id)} />
}

function Details({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  const say = useWords(words)
  const language = useLanguage()
  const facts = [
    [say('when'), new Date(entry.at).toLocaleString(language, { dateStyle: 'full', timeStyle: 'long' })],
    [say('actor'), entry.actor],
    [say('issuer'), entry.issuer],
    [say('token'), entry.token],
    [say('which'), entry.object],
    [say('project'), entry.project],
    [say('rule'), entry.rule],
    [say('request'), entry.request],
  ] as const
  return (
    <Dialog title={say('details', { action: entry.action })} onClose={onClose}>
      <div className={styles['stack']}>
        <p>{entry.text}</p>
        <Outcome value={entry.outcome} />
        <Facts facts={facts} />
        <h3>{say('asked')}</h3>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard. */}
        <pre className={styles['asked']} tabIndex={0}>
          {JSON.stringify(entry.details, null, 2)}
        </pre>
      </div>
    </Dialog>
  )
}
