/** What a sentence of the server names (objects, fields, images, a commit), and which pages help with it. Pure. */
import type { Sentence } from '@/shared/api/types'
import { parseObjectText } from '../objects'

export interface Commit {
  revision: string
  subject: string
  author: string
}

export type FactName = 'field' | 'image' | 'container' | 'exit' | 'restarts'

export interface Reason {
  /** The innermost sentence that is about the application's objects. */
  code: string
  text: string
  commit: Commit | null
  /** Objects it names, the culprit first, as `Kind namespace/name`. */
  objects: string[]
  facts: [FactName, string][]
  /** How many other objects differ too. */
  more: number
}

const FACTS: Readonly<Record<string, FactName>> = {
  fields: 'field',
  image: 'image',
  container: 'container',
  exit_code: 'exit',
  count: 'restarts',
}

/** The sentence taken apart; one about a commit is about its reason, and the commit beside it. */
export function reasonOf(sentence: Sentence): Reason {
  const parameters = sentence.parameters ?? {}
  const inner = parameters['reason']
  if (sentence.code === 'why-with-commit' && isSentence(inner)) {
    return { ...reasonOf(inner), commit: commitOf(parameters) }
  }
  const objects = [parameters['object'], parameters['owner']].map(String).filter((each) => parseObjectText(each))
  const more = Number(parameters['more'] ?? 0)
  return {
    code: sentence.code,
    text: sentence.text,
    commit: null,
    objects,
    facts: factsOf(sentence.code, parameters),
    more: Number.isNaN(more) ? 0 : more,
  }
}

function factsOf(code: string, parameters: Record<string, unknown>): [FactName, string][] {
  return Object.entries(FACTS).flatMap(([name, fact]): [FactName, string][] => {
    const value = parameters[name]
    // Many sentences count something; restarts are counted by this one.
    if (value === undefined || (fact === 'restarts' && code !== 'why-crash-loop')) return []
    return [[fact, Array.isArray(value) ? value.join(', ') : String(value)]]
  })
}

function isSentence(value: unknown): value is Sentence {
  return typeof value === 'object' && value !== null && 'code' in value && 'text' in value
}

function commitOf(parameters: Record<string, unknown>): Commit {
  const text = (name: string) => String(parameters[name] ?? '')
  return { revision: text('revision'), subject: text('subject'), author: text('author') }
}

export type Fix = 'logs' | 'events' | 'diff' | 'sync' | 'running' | 'last' | 'rollback' | 'source'

const FIXES: readonly (readonly [RegExp, readonly Fix[]])[] = [
  [/^why-(crash-loop|job-failed|not-ready)$/, ['logs', 'rollback']],
  [/^why-(image-pull|container-config)$/, ['events', 'rollback']],
  [/^why-(unschedulable|claim-pending|load-balancer-pending|below)$/, ['events']],
  [/^why-(differs|missing|extra|namespace-differs)/, ['diff', 'sync']],
  [/^why-sync-waits$/, ['running', 'events']],
  [/^(operation-|sync-attempt-failed|sync-failed-last)/, ['last', 'sync']],
  [/^(project-|repository-of-other-projects$|target-state-failed$|comparison-failed$)/, ['source']],
  [/^health-nothing-live$/, ['sync']],
  [/^health-(one-object|many-objects)$/, ['events']],
]

/** The pages that help, most helpful first; while a sync goes on, it can be followed. */
export function fixesOf(code: string, isRunning: boolean): Fix[] {
  const found = FIXES.find(([codes]) => codes.test(code))?.[1] ?? []
  const fixes = found.filter((each) => !isRunning || (each !== 'sync' && each !== 'last'))
  return isRunning && !fixes.includes('running') ? ['running', ...fixes] : fixes
}

/** A text with `code` in backticks as parts: every second one is code. */
/** The beginning of a text, at most so many characters, that ends with a whole word where there is one. */
export function beginningOf(text: string, most: number): string {
  if (text.length <= most) return text
  const at = text.slice(0, most + 1).search(/\s\S*$/)
  return text.slice(0, at > most / 2 ? at : most)
}

export function partsOf(text: string): string[] {
  return text.split('`')
}
