/** Rules of `ignoreDifferences` for a field that differs. Pure. */
import type { ObjectName } from '../objects'
import type { Difference } from '../sync/plan'
import { findPlace, type Json, parsePath, type Step } from './paths'

export interface Rule {
  group: string
  kind: string
  name?: string
  namespace?: string
  jsonPointers?: string[]
  jqPathExpressions?: string[]
  managedFieldsManagers?: string[]
}

export type By = 'field' | 'manager'
export type Reach = 'object' | 'kind'

/** The rule that ignores a field of one object or of all of its kind, or whatever the same manager sets. */
export function ruleOf(object: ObjectName, shown: Json | null, difference: Difference, by: By, reach: Reach): Rule {
  const { group, kind, name, namespace } = object
  const one = reach === 'object' ? { name, ...(namespace ? { namespace } : {}) } : {}
  const what = by === 'manager' ? { managedFieldsManagers: [difference.manager] } : whatOf(difference.path, shown)
  return { group, kind, ...one, ...what }
}

function whatOf(path: string, shown: Json | null): Pick<Rule, 'jsonPointers' | 'jqPathExpressions'> {
  const steps = parsePath(path)
  const fields = steps.flatMap((step) => ('field' in step ? [step.field] : []))
  if (fields.length === steps.length) return { jsonPointers: [pointerOf(fields)] }
  return { jqPathExpressions: [jqOf(steps, shown)] }
}

/** A JSON pointer (RFC 6901). */
export function pointerOf(fields: readonly string[]): string {
  return fields.map((field) => `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** A jq path: items are found by their keys, so that the rule holds when others come before them. */
export function jqOf(steps: readonly Step[], shown: Json | null): string {
  let text = ''
  for (const [index, step] of steps.entries()) {
    if ('field' in step) text += fieldOf(step.field)
    else if ('keys' in step)
      text += selectOf(step.keys, itemAt(shown, steps.slice(0, index + 1)), index < steps.length - 1)
    else if (/^\d+$/.test(step.item)) text += `[${step.item}]`
    // A member of a set has no place of its own: the whole set is ignored.
    else break
  }
  return text
}

function fieldOf(field: string): string {
  return /^[A-Za-z_]\w*$/.test(field) ? `.${field}` : `[${JSON.stringify(field)}]`
}

function selectOf(keys: Readonly<Record<string, string>>, item: Json | undefined, goesOn: boolean): string {
  const known = typeof item === 'object' && item !== null && !Array.isArray(item) ? item : {}
  // Ports are numbers and names are texts: the object says which it is.
  const selects = Object.entries(keys).map(
    ([name, text]) => `select(.${name} == ${JSON.stringify(known[name] ?? text)})`,
  )
  return `[] | ${selects.join(' | ')}${goesOn ? ' | ' : ''}`
}

function itemAt(shown: Json | null, steps: readonly Step[]): Json | undefined {
  const place = shown === null ? null : findPlace(shown, steps)
  return place?.reduce<Json | undefined>(
    (value, step) =>
      Array.isArray(value) ? value[Number(step)] : (value as Record<string, Json> | null | undefined)?.[step],
    shown ?? undefined,
  )
}
