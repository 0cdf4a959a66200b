import { useMemo } from 'react'
import { useSearchParams } from 'react-router'
import { useExported } from '@/shared/exporting'
import { Empty, Loaded } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { FilterBar } from '../filters'
import type { Application } from '../model'
import { useIsNarrow } from '../narrow'
import { NoObjects } from '../no-objects'
import { filtersOf, isFiltering, matches, type Node, useTree } from '../nodes'
import { useAppRef } from '../reference'
import { words as shared } from '../words'
import { Canvas } from './canvas'
import { Crumbs } from './crumbs'
import { TreeList } from './list'
import { FoldTools } from './tools'
import { useTreeView } from './use-tree-view'

/** The application's objects as a tree, kept up to date. */
export function TreeTab({ application }: { application: Application }) {
  const app = useAppRef()
  const tree = useTree(app)
  const health = application.status?.health?.status ?? 'Unknown'
  useExported(`${app.name}-tree`, tree.data)
  return <Loaded query={tree}>{(nodes) => <Tree application={application} nodes={nodes} health={health} />}</Loaded>
}

function Tree({ application, nodes, health }: { application: Application; nodes: readonly Node[]; health: string }) {
  const say = useWords(shared)
  const isNarrow = useIsNarrow()
  const [params] = useSearchParams()
  const filters = useMemo(() => filtersOf(params), [params])
  const keeps = useMemo(() => (isFiltering(filters) ? (node: Node) => matches(node, filters) : null), [filters])
  const { view, opened, openAll, closeWell, root } = useTreeView(nodes, keeps, health)
  const shown = useMemo(() => (keeps ? nodes.filter(keeps).length : nodes.length), [nodes, keeps])
  if (nodes.length === 0) return <NoObjects application={application} />
  return (
    <>
      <FilterBar nodes={nodes} shown={shown}>
        <FoldTools onOpenAll={openAll} onCloseWell={closeWell} />
      </FilterBar>
      <Crumbs root={root} at={view.rows[view.at]} opened={opened} />
      {keeps && shown === 0 ? (
        <Empty title={say('filter-nothing')} />
      ) : isNarrow ? (
        <TreeList tree={view} />
      ) : (
        <Canvas tree={view} />
      )}
    </>
  )
}
