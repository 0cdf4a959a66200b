/**
 * An application's objects as a tree: owners above what they own, many of one kind gathered into groups. Pure.
 *
 * The order of siblings depends on what never changes of an object (kind, name; for ReplicaSets their age, so that the
 * release that counts is on top): nothing moves because something became well or ill.
 */
import type { AppRef } from '@/shared/api/types'
import { healthOf, type Node, nodeKey } from '../nodes'
import { joinKey } from '../selection'

export const FOLDS = ['none', 'kind', 'wave', 'health'] as const
export type Fold = (typeof FOLDS)[number]

export interface Branch {
  /** Unique in the drawing and the same after every update. */
  id: string
  type: 'application' | 'node' | 'group'
  app: AppRef
  node: Node | null
  /** Of a group: what its members have in common. */
  label: string
  children: readonly Branch[]
  /** Objects in it, itself included. */
  size: number
  /** Those of them that are not well or not as Git has them. */
  unwell: number
  /** The worst of them; of the application, what it says of itself. */
  worst: string
}

/** So many leaves of one kind below one owner become a group. */
export const MANY_LEAVES = 12
/** From here on the objects of an application are gathered by kind, unless the reader says otherwise. */
export const MANY_NODES = 300

const RANKS = ['Degraded', 'Missing', 'Progressing', 'Unknown', 'Suspended', 'Healthy']

export function isUnwell(node: Node): boolean {
  const health = healthOf(node)
  return (health !== null && health !== 'Healthy') || node.sync === 'OutOfSync' || node.terminating
}

export function worstOf(words: Iterable<string | null>): string {
  let worst = RANKS.length - 1
  for (const word of words) {
    const rank = RANKS.indexOf(word ?? 'Healthy')
    worst = Math.min(worst, rank < 0 ? 3 : rank)
  }
  return RANKS[worst] ?? 'Healthy'
}

/** Trees of applications that are opened in place, by the id of the node that stands for them. */
export type Opened = ReadonlyMap<string, readonly Node[]>

export function idOf(root: AppRef, app: AppRef, node: Node): string {
  return joinKey(app, nodeKey(node), root)
}

/** The application a node stands for, null where it is something else. */
export function applicationOf(node: Node): AppRef | null {
  const is = node.group === 'argoproj.io' && node.kind === 'Application'
  return is ? { namespace: node.namespace, name: node.name } : null
}

/** How one thing's children are gathered: all of them by what they have in common, or leaves of the kinds that are many. */
type Gathering = { by: Exclude<Fold, 'none'> } | { kinds: ReadonlySet<string> }

/** What was decided about gathering, by the id of what stands above. */
export type Gatherings = ReadonlyMap<string, Gathering>

export interface Options {
  opened?: Opened
  /** Decisions of before: they are never taken back, since a tree that moves while one reads it would be unusable. */
  known?: Gatherings
  /** What the application says of itself. */
  health?: string
}

/** Without a `fold` many objects are gathered, as is decided when what stands above them is first met with children. */
export function buildTree(
  app: AppRef,
  nodes: readonly Node[],
  fold: Fold | null,
  { opened = new Map(), known = new Map(), health = 'Unknown' }: Options = {},
): { root: Branch; gatherings: Gatherings } {
  const builder = new Builder(app, opened, known, fold)
  const gathered = builder.whole(nodes)
  const root: Branch = {
    ...whole(gathered),
    id: '',
    type: 'application',
    app,
    node: null,
    label: app.name,
    worst: health,
  }
  return { root, gatherings: builder.gatherings }
}

class Builder {
  readonly root: AppRef
  readonly opened: Opened
  readonly gatherings: Map<string, Gathering>
  readonly fold: Fold | null

  constructor(root: AppRef, opened: Opened, known: Gatherings, fold: Fold | null) {
    this.root = root
    this.opened = opened
    this.gatherings = new Map(known)
    this.fold = fold
  }

  whole(nodes: readonly Node[]): readonly Branch[] {
    const children = this.forest(this.root, nodes, [`${this.root.namespace}/${this.root.name}`])
    if (this.fold === 'none' || children.length === 0) return children
    if (this.fold) return gather('', this.root, children, { by: this.fold })
    return this.gathered('', this.root, children, nodes.length > MANY_NODES)
  }

  /** `children` as was decided about them, or is now that they are met for the first time. */
  gathered(id: string, app: AppRef, children: readonly Branch[], areMany = false): readonly Branch[] {
    if (this.fold === 'none' || children.length === 0) return children
    let gathering = this.gatherings.get(id)
    if (!gathering) {
      gathering = areMany ? { by: 'kind' } : { kinds: manyOf(children) }
      this.gatherings.set(id, gathering)
    }
    return gather(id, app, children, gathering)
  }

  /** `above`: applications this one is opened in, so that one that contains itself ends somewhere. */
  forest(app: AppRef, nodes: readonly Node[], above: readonly string[]): Branch[] {
    const byUid = new Map(nodes.filter((node) => node.uid).map((node) => [node.uid, node]))
    const below = new Map<string, Node[]>()
    const roots: Node[] = []
    for (const node of nodes) {
      const owner = node.parents.find((uid) => byUid.has(uid) && uid !== node.uid)
      if (owner === undefined) roots.push(node)
      else push(below, owner, node)
    }
    const seen = new Set<Node>()
    const branch = (node: Node): Branch => {
      seen.add(node)
      const id = idOf(this.root, app, node)
      const owned = (node.uid ? (below.get(node.uid) ?? []) : []).filter((each) => !seen.has(each))
      const children = [...sortSiblings(owned).map(branch), ...this.inside(id, node, above)]
      return grown({ id, type: 'node', app, node, label: node.name }, this.gathered(id, app, children))
    }
    const found = sortSiblings(roots).map(branch)
    // Owners that own each other are no part of any tree: they are shown all the same.
    for (const node of sortSiblings(nodes.filter((each) => !seen.has(each)))) {
      if (!seen.has(node)) found.push(branch(node))
    }
    return found
  }

  inside(id: string, node: Node, above: readonly string[]): Branch[] {
    const child = applicationOf(node)
    const nodes = this.opened.get(id)
    if (!child || !nodes) return []
    const name = `${child.namespace}/${child.name}`
    return above.includes(name) ? [] : this.forest(child, nodes, [...above, name])
  }
}

function grown(what: Omit<Branch, 'children' | 'size' | 'unwell' | 'worst'>, children: readonly Branch[]): Branch {
  const { size, unwell, worst } = whole(children)
  const node = what.node
  if (!node) return { ...what, children, size, unwell, worst }
  return {
    ...what,
    children,
    size: size + 1,
    unwell: unwell + (isUnwell(node) ? 1 : 0),
    worst: worstOf([worst, healthOf(node)]),
  }
}

function whole(children: readonly Branch[]): Pick<Branch, 'children' | 'size' | 'unwell' | 'worst'> {
  let [size, unwell] = [0, 0]
  for (const child of children) {
    size += child.size
    unwell += child.unwell
  }
  return { children, size, unwell, worst: worstOf(children.map((child) => child.worst)) }
}

/** Kinds of which there are many among `children`, leaves all of them. */
function manyOf(children: readonly Branch[]): ReadonlySet<string> {
  const kinds = new Map<string, Branch[]>()
  for (const child of children) push(kinds, commonOf(child, 'kind'), child)
  const many = [...kinds].filter(
    ([, members]) => members.length > MANY_LEAVES && members.every((each) => each.children.length === 0),
  )
  return new Set(many.map(([kind]) => kind))
}

function gather(parent: string, app: AppRef, children: readonly Branch[], gathering: Gathering): readonly Branch[] {
  const kinds = 'kinds' in gathering ? gathering.kinds : null
  if (kinds?.size === 0) return children
  const fold = 'by' in gathering ? gathering.by : 'kind'
  const groups = new Map<string, Branch[]>()
  for (const child of children) push(groups, commonOf(child, fold), child)
  return [...groups].flatMap(([label, members]) =>
    kinds && !kinds.has(label)
      ? members
      : [grown({ id: `${parent}#${fold}:${label}`, type: 'group', app, node: null, label }, members)],
  )
}

/** Adds to the list at `key`: a new list each time would cost the square of what is in one. */
function push<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key)
  if (list) list.push(item)
  else lists.set(key, [item])
}

function commonOf(branch: Branch, fold: Exclude<Fold, 'none'>): string {
  if (fold === 'health') return branch.worst
  if (fold === 'wave') return String(branch.node?.wave ?? 0)
  return branch.node?.kind ?? branch.label
}

function sortSiblings(nodes: readonly Node[]): Node[] {
  return [...nodes].sort(
    (a, b) =>
      compare(a.kind, b.kind) ||
      compare(a.group, b.group) ||
      (a.kind === 'ReplicaSet' ? compare(b.createdAt, a.createdAt) : 0) ||
      compare(a.namespace, b.namespace) ||
      compare(a.name, b.name),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
