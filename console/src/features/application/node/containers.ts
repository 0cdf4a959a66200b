/** Containers of a Pod, or of the Pods that an object makes, as its manifest has them. Pure. */
import type { Manifest } from './api'

export interface ContainerFacts {
  name: string
  image: string
  isInit: boolean
  /** Of a Pod: waiting, running or terminated, with the reason; empty where nothing is known. */
  state: string
  reason: string
  message: string
  restarts: number
  ready: boolean
}

type Json = Record<string, unknown>

export function containersOf(manifest: Manifest | undefined): ContainerFacts[] {
  const spec = podSpecOf(manifest)
  const status = record(manifest?.['status'])
  return [
    ...list(spec['containers']).map((each) => facts(each, list(status['containerStatuses']), false)),
    ...list(spec['initContainers']).map((each) => facts(each, list(status['initContainerStatuses']), true)),
  ]
}

/** The Pod's own spec, or that of its template, or of the template of a CronJob's Jobs. */
function podSpecOf(manifest: Manifest | undefined): Json {
  const spec = record(manifest?.['spec'])
  if (Array.isArray(spec['containers'])) return spec
  const template = record(record(spec['template'])['spec'])
  if (Array.isArray(template['containers'])) return template
  return record(record(record(record(spec['jobTemplate'])['spec'])['template'])['spec'])
}

function facts(container: Json, statuses: readonly Json[], isInit: boolean): ContainerFacts {
  const name = text(container['name'])
  const status = statuses.find((each) => each['name'] === name) ?? {}
  const [state = '', details] = Object.entries(record(status['state']))[0] ?? []
  return {
    name,
    image: text(container['image']),
    isInit,
    state,
    reason: text(record(details)['reason']),
    message: text(record(details)['message']),
    restarts: Number(status['restartCount'] ?? 0),
    ready: status['ready'] === true,
  }
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(record) : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
