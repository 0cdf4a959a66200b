/** Which nodes have just changed, so that each of them can be seen to, once. */
import { useRef } from 'react'
import type { AppRef } from '@/shared/api/types'
import { healthOf, type Node } from '../nodes'
import { idOf } from './branches'

/** What of a node counts as a change. */
export function printOf(node: Node): string {
  return [node.uid, node.sync, healthOf(node), node.terminating, node.health?.message].join(' ')
}

/** Keys of nodes that are new or other than before; none where there was nothing before. */
export function changedKeys(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  if (before.size === 0) return []
  return [...after].filter(([key, print]) => before.get(key) !== print).map(([key]) => key)
}

/** So long a pulse takes: what changes again meanwhile is being looked at already. */
export const PULSE_MS = 1_500

interface Pulse {
  /** How often it has pulsed. */
  count: number
  at: number
}

export type Pulses = ReadonlyMap<string, Pulse>

/** `pulses` with one more for each that changed, but for those whose last one is not over. */
export function addPulses(pulses: Pulses, changed: readonly string[], now: number): Pulses {
  const due = changed.filter((key) => now - (pulses.get(key)?.at ?? Number.NEGATIVE_INFINITY) >= PULSE_MS)
  if (due.length === 0) return pulses
  return new Map([
    ...pulses,
    ...due.map((key) => [key, { count: (pulses.get(key)?.count ?? 0) + 1, at: now }] as const),
  ])
}

/** The number of the pulse that a node is in, 0 when it is over: a card that comes into sight later does not repeat it. */
export function pulseOf(pulses: Pulses, key: string, now: number): number {
  const pulse = pulses.get(key)
  return pulse && now - pulse.at < PULSE_MS ? pulse.count : 0
}

/** The objects of one application that the tree shows. */
export interface Shown {
  app: AppRef
  nodes: readonly Node[]
}

interface Known {
  nodes: readonly Node[]
  prints: ReadonlyMap<string, string>
}

/** Which pulse a branch is in, by its id; of all applications that `root`'s tree shows. */
export function usePulses(root: AppRef, shown: readonly Shown[]): (id: string) => number {
  const known = useRef<{ apps: Map<string, Known>; pulses: Pulses }>({ apps: new Map(), pulses: new Map() })
  for (const { app, nodes } of shown) {
    const name = `${app.namespace}/${app.name}`
    const before = known.current.apps.get(name)
    if (before?.nodes === nodes) continue
    const prints = new Map(nodes.map((node) => [idOf(root, app, node), printOf(node)]))
    const changed = changedKeys(before?.prints ?? new Map(), prints)
    known.current.pulses = addPulses(known.current.pulses, changed, Date.now())
    known.current.apps.set(name, { nodes, prints })
  }
  return (id) => pulseOf(known.current.pulses, id, Date.now())
}
