/** What happened to an application on one axis: syncs and releases, changes of health, events of the cluster. Pure. */
import type { Application } from '../model'
import { type KubernetesEvent, timeOf } from '../node/api'

/** As `GET /api/haori/v1/applications/NAME/timeline` tells it; kinds that are not known yet may come. */
export interface Told {
  kind: string
  time: string
  until: string
  who: string
  revision: string
  id: number | null
  phase: string
  message: string
  dryRun?: boolean
}

export const LANES = ['sync', 'health', 'event'] as const
export type Lane = (typeof LANES)[number]

export interface Entry {
  key: string
  lane: Lane
  time: string
  /** Word of the table: what it is. */
  kind: 'operation' | 'dry-run' | 'release' | 'created' | 'health' | 'event' | 'other'
  title: string
  text: string
  /** Word of a status, empty where it has none. */
  status: string
  who: string
  revision: string
  /** Seconds it took, null where that is not known. */
  seconds: number | null
  isWarning: boolean
}

const EMPTY = { title: '', text: '', status: '', who: '', revision: '', seconds: null, isWarning: false }
const KINDS = ['operation', 'release', 'created'] as const

export function entriesOf(
  told: readonly Told[],
  events: readonly KubernetesEvent[],
  application: Application,
): Entry[] {
  const all = [...told.map(fromTold), ...healthOf(application), ...events.map(fromEvent)]
  return all
    .filter((entry) => !Number.isNaN(Date.parse(entry.time)))
    .sort((a, b) => Date.parse(b.time) - Date.parse(a.time) || (a.key < b.key ? -1 : 1))
}

function fromTold(each: Told): Entry {
  const kind = KINDS.find((word) => word === each.kind) ?? 'other'
  return {
    ...EMPTY,
    key: `${each.kind} ${each.time} ${each.id ?? ''}`,
    lane: 'sync',
    time: each.time,
    kind: kind === 'operation' && each.dryRun ? 'dry-run' : kind,
    title: kind === 'other' ? each.kind : '',
    text: each.message,
    status: each.phase,
    who: each.who,
    revision: each.revision,
    seconds: each.until ? Math.max(0, (Date.parse(each.until) - Date.parse(each.time)) / 1000) : null,
    isWarning: each.phase === 'Failed' || each.phase === 'Error',
  }
}

/** The last change of health: the Application remembers no more than that. */
function healthOf(application: Application): Entry[] {
  const { status, lastTransitionTime } = application.status?.health ?? {}
  if (!status || !lastTransitionTime) return []
  const isWarning = status === 'Degraded' || status === 'Missing'
  return [{ ...EMPTY, key: 'health', lane: 'health', kind: 'health', time: lastTransitionTime, status, isWarning }]
}

function fromEvent(event: KubernetesEvent): Entry {
  const { kind = '', name = '' } = event.involvedObject ?? {}
  return {
    ...EMPTY,
    key: `event ${event.metadata.uid || event.metadata.name}`,
    lane: 'event',
    time: timeOf(event),
    kind: 'event',
    title: [event.reason, `${kind} ${name}`.trim()].filter(Boolean).join(' · '),
    text: event.message ?? '',
    isWarning: event.type === 'Warning',
  }
}

/** Entries by day in the reader's own time, newest first. */
export function byDay(entries: readonly Entry[], nameOf: (time: Date) => string): [string, Entry[]][] {
  const days = new Map<string, Entry[]>()
  for (const entry of entries) {
    const day = nameOf(new Date(entry.time))
    days.set(day, [...(days.get(day) ?? []), entry])
  }
  return [...days]
}
