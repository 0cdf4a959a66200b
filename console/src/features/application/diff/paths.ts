/** Paths of fields as the server writes them, `spec.containers[name=web].image`: read, found, set. Pure. */
import type { Difference } from '../sync/plan'

export type Step = { field: string } | { keys: Readonly<Record<string, string>> } | { item: string }
/** Where a value stands: fields by name, items of lists by position. */
export type Place = readonly (string | number)[]
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

const STEP = /\["(?<quoted>[^"]*)"\]|\[(?<inner>[^\]]*)\]|\.?(?<plain>[^.[\]]+)/g
const KEYS = /^[A-Za-z]\w*=[^,]*(,[A-Za-z]\w*=[^,]*)*$/

/** The steps of a path: a name, an item by its keys (`[name=web]`), an item by its position or as itself (`[0]`, `[x]`). */
export function parsePath(path: string): Step[] {
  return [...path.matchAll(STEP)].map((match): Step => {
    const { quoted, inner, plain } = match.groups ?? {}
    if (inner === undefined) return { field: quoted ?? plain ?? '' }
    if (!KEYS.test(inner)) return { item: inner }
    return { keys: Object.fromEntries(inner.split(',').map((pair) => splitPair(pair))) }
  })
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

/** Where `steps` lead in `value`; null where nothing stands there. */
export function findPlace(value: Json | undefined, steps: readonly Step[]): Place | null {
  const place: (string | number)[] = []
  let at = value
  for (const step of steps) {
    const next = stepInto(at, step)
    if (next === null) return null
    place.push(next)
    at = Array.isArray(at) ? at[Number(next)] : (at as Record<string, Json>)[next]
  }
  return place
}

function stepInto(value: Json | undefined, step: Step): string | number | null {
  if ('field' in step) return isMapping(value) && step.field in value ? step.field : null
  if (!Array.isArray(value)) return null
  const index = indexOf(value, step)
  return index < 0 ? null : index
}

function indexOf(list: readonly Json[], step: Exclude<Step, { field: string }>): number {
  if ('keys' in step) {
    const wanted = Object.entries(step.keys)
    return list.findIndex(
      (item) => isMapping(item) && wanted.every(([name, text]) => String(item[name] ?? '') === text),
    )
  }
  const member = list.findIndex((item) => String(item) === step.item)
  if (member >= 0) return member
  return /^\d+$/.test(step.item) && Number(step.item) < list.length ? Number(step.item) : -1
}

function isMapping(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * What is live, as far as Git names it: the wanted object with the live value of each field that differs. Fields that do
 * not differ are in sync by the server's own rules, so defaults and what other controllers set make no noise.
 */
export function liveOf(desired: Json, differences: readonly Difference[]): Json {
  const live = structuredClone(desired)
  for (const { path, live: value } of differences) setAt(live, parsePath(path), value as Json | undefined)
  return live
}

function setAt(root: Json, steps: readonly Step[], value: Json | undefined): void {
  let at: Json | undefined = root
  for (const [index, step] of steps.entries()) {
    if (at === undefined) return
    if (index === steps.length - 1) setHere(at, step, value)
    else at = childOf(at, step, steps[index + 1])
  }
}

/** The value one step down, made where Git names nothing there. */
function childOf(value: Json, step: Step, next: Step | undefined): Json | undefined {
  const known = stepInto(value, step)
  if (known !== null) return Array.isArray(value) ? value[Number(known)] : (value as Record<string, Json>)[known]
  const made: Json = next && 'field' in next ? {} : []
  if ('field' in step && isMapping(value)) {
    value[step.field] = made
    return made
  }
  if ('keys' in step && Array.isArray(value)) {
    const item: Json = { ...step.keys }
    value.push(item)
    return item
  }
  return undefined
}

function setHere(value: Json, step: Step, to: Json | undefined): void {
  const isGone = to === null || to === undefined
  if ('field' in step) {
    if (!isMapping(value)) return
    if (isGone) delete value[step.field]
    else value[step.field] = to
  } else if (Array.isArray(value)) {
    const index = indexOf(value, step)
    if (isGone) {
      if (index >= 0) value.splice(index, 1)
    } else if (index >= 0) value[index] = to
    else value.push(to)
  }
}
