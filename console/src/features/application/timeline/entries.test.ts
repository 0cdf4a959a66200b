import { expect, it } from 'vitest'
import type { KubernetesEvent } from '../node/api'
import { shop } from '../testing'
import { byDay, entriesOf, type Told } from './entries'

const told = (kind: string, time: string, over: Partial<Told> = {}): Told => ({
  kind,
  time,
  until: '',
  who: '',
  revision: '',
  id: null,
  phase: '',
  message: '',
  ...over,
})
const event: KubernetesEvent = {
  metadata: { uid: 'e', name: 'e' },
  involvedObject: { kind: 'Pod', name: 'web-1' },
  reason: 'BackOff',
  message: 'restarting',
  type: 'Warning',
  lastTimestamp: '2026-01-02T10:00:30Z',
}
const application = shop({ health: { status: 'Degraded', lastTransitionTime: '2026-01-02T10:00:20Z' } })
const sync = told('operation', '2026-01-02T10:00:00Z', { until: '2026-01-02T10:00:10Z', phase: 'Failed' })

it('puts everything on one axis, newest first', () => {
  const entries = entriesOf([told('created', '2026-01-01T09:00:00Z'), sync], [event], application)
  expect(entries.map((each) => [each.lane, each.kind, each.status])).toEqual([
    ['event', 'event', ''],
    ['health', 'health', 'Degraded'],
    ['sync', 'operation', 'Failed'],
    ['sync', 'created', ''],
  ])
  expect(entries[0]?.title).toBe('BackOff · Pod web-1')
  expect(entries[2]).toMatchObject({ seconds: 10, isWarning: true })
})

it('keeps what it does not know by its own name, and leaves out what has no time', () => {
  const entries = entriesOf([told('pin', '2026-01-01T09:00:00Z'), told('operation', '')], [], shop())
  expect(entries.map((each) => [each.kind, each.title])).toEqual([['other', 'pin']])
})

it('gathers by day', () => {
  const entries = entriesOf([told('created', '2026-01-01T09:00:00Z'), sync], [event], application)
  const days = byDay(entries, (time) => time.toISOString().slice(0, 10))
  expect(days.map(([day, each]) => [day, each.length])).toEqual([
    ['2026-01-02', 3],
    ['2026-01-01', 1],
  ])
})
