import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { type KeyboardEvent, useMemo, useRef } from 'react'
import { useSearchParams } from 'react-router'
import { useAddress } from '@/shared/address'
import { useExported } from '@/shared/exporting'
import { Ago, Empty, Loaded, Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { Badges } from '../badges'
import { FilterBar } from '../filters'
import { KindIcon } from '../kind-icon'
import type { Application } from '../model'
import { NoObjects } from '../no-objects'
import { filtersOf, healthOf, kindText, matches, type Node, nodeKey, useTree, whyOf } from '../nodes'
import { useAppRef } from '../reference'
import { useSelection } from '../selection'
import { words as shared } from '../words'
import { type Order, orderOf, sortNodes } from './sorting'
import styles from './tab.module.css'
import { words } from './words'

const ROW_PX = 44

/** All objects of the application in a table. */
export function ResourcesTab({ application }: { application: Application }) {
  const tree = useTree(useAppRef())
  return <Loaded query={tree}>{(nodes) => <Objects application={application} nodes={nodes} />}</Loaded>
}

function Objects({ application, nodes }: { application: Application; nodes: readonly Node[] }) {
  const say = useWords(shared)
  const [params] = useSearchParams()
  const shown = useMemo(() => {
    const filters = filtersOf(params)
    return sortNodes(
      nodes.filter((node) => matches(node, filters)),
      params.get('sort'),
    )
  }, [nodes, params])
  useExported(`${useAppRef().name}-resources`, shown)
  if (nodes.length === 0) return <NoObjects application={application} />
  return (
    <>
      <FilterBar nodes={nodes} shown={shown.length} />
      {shown.length === 0 ? <Empty title={say('filter-nothing')} /> : <Rows nodes={shown} />}
    </>
  )
}

// Laid out by a grid, not by a table, so that only the rows in view are drawn: the roles of a table are said.
const TABLE = { role: 'table' }
const counted = (label: string, rows: number) => ({ 'aria-label': label, 'aria-rowcount': rows })
const GROUP = { role: 'rowgroup' }
const rowAt = (index: number) => ({ role: 'row', 'aria-rowindex': index })
const headOf = (sorted: 'ascending' | 'descending' | 'none') => ({ role: 'columnheader', 'aria-sort': sorted })
const CELL = { role: 'cell' }

function Rows({ nodes }: { nodes: readonly Node[] }) {
  const say = useWords(words)
  const frame = useRef<HTMLElement>(null)
  const virtual = useVirtualizer({
    count: nodes.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => nodeKey(nodes[index] as Node),
    overscan: 12,
    initialRect: { width: 1000, height: 800 },
  })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by keyboard.
    <section ref={frame} className={styles['frame']} tabIndex={0} aria-label={say('table')}>
      <div {...TABLE} {...counted(say('table'), nodes.length + 1)} className={styles['table']}>
        <div {...GROUP} className={styles['head']}>
          <div {...rowAt(1)} className={styles['row']}>
            {(['kind', 'name', 'sync', 'health', 'wave', 'age'] as const).map((order) => (
              <SortHead key={order} order={order} />
            ))}
          </div>
        </div>
        <div {...GROUP} className={styles['all']} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const node = nodes[item.index]
            return (
              node && (
                <div
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  className={styles['place']}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <Row node={node} index={item.index} />
                </div>
              )
            )
          })}
        </div>
      </div>
    </section>
  )
}

function SortHead({ order }: { order: Order }) {
  const say = useWords(words)
  const { params, put } = useAddress()
  const current = orderOf(params.get('sort'))
  const isCurrent = current.order === order
  const sort = () => put({ sort: isCurrent && !current.isReversed ? `-${order}` : order })
  const Arrow = current.isReversed ? ArrowUp : ArrowDown
  return (
    <div {...headOf(isCurrent ? (current.isReversed ? 'descending' : 'ascending') : 'none')} className={styles[order]}>
      <button type="button" onClick={sort} className={styles['sort']}>
        {say(order)}
        {isCurrent && <Arrow size={13} aria-hidden />}
      </button>
    </div>
  )
}

function Row({ node, index }: { node: Node; index: number }) {
  const say = useWords(words)
  const selection = useSelection()
  const key = nodeKey(node)
  const isChosen = selection.key === key
  const health = healthOf(node)
  const why = whyOf(node)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the button in it does the same by keyboard.
    // biome-ignore lint/a11y/noStaticElementInteractions: see above.
    <div
      {...rowAt(index + 2)}
      className={`${styles['row']} ${isChosen ? styles['chosen'] : ''}`}
      onClick={() => selection.open(key)}
    >
      <div {...CELL} className={styles['kind']} title={kindText(node)}>
        <KindIcon kind={node.kind} />
        <span>{node.kind}</span>
      </div>
      <div {...CELL} className={styles['name']}>
        <button
          type="button"
          className={styles['open']}
          aria-current={isChosen || undefined}
          onClick={(event) => {
            event.stopPropagation()
            selection.open(key)
          }}
          onKeyDown={moveFocus}
        >
          {node.name}
        </button>
        {node.namespace && (
          <span className={styles['namespace']} title={node.namespace}>
            {node.namespace}
          </span>
        )}
        {why && <span className={styles['why']}>{why}</span>}
      </div>
      <div {...CELL} className={styles['sync']}>
        {node.sync ? <Status value={node.sync} /> : <span className={styles['quiet']}>{say('made')}</span>}
      </div>
      <div {...CELL} className={styles['health']}>
        {health ? <Status value={health} /> : <span className={styles['quiet']}>–</span>}
      </div>
      <div {...CELL} className={styles['wave']}>
        <Badges node={node} />
      </div>
      <div {...CELL} className={styles['age']}>
        {node.createdAt && <Ago at={node.createdAt} />}
      </div>
    </div>
  )
}

/** Arrows walk from row to row. */
function moveFocus(event: KeyboardEvent<HTMLButtonElement>) {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0) return
  event.preventDefault()
  const place = event.currentTarget.closest('[data-index]')
  const index = Number(place?.getAttribute('data-index')) + step
  place?.parentElement?.querySelector<HTMLButtonElement>(`[data-index="${index}"] button`)?.focus()
}
