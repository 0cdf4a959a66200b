/**
 * What the console says, English and Japanese.
 *
 * Every feature keeps its own `words.ts` made by `defineWords`: the Japanese table must have exactly the keys of the
 * English one, which the compiler checks. A phrase holds parameters in braces; what the server says arrives in the
 * reader's language already (`Accept-Language`), so only the page's own words live here.
 */
import { useSyncExternalStore } from 'react'

export type Language = 'en' | 'ja'
export type Parameters = Record<string, string | number>
export type Words<Key extends string> = Readonly<Record<Language, Readonly<Record<Key, string>>>>
export type Say<Key extends string> = (key: Key, parameters?: Parameters) => string

const STORED = 'haori.language'

export function defineWords<const Table extends Record<string, string>>(
  en: Table,
  ja: Record<keyof Table & string, string>,
): Words<keyof Table & string> {
  return { en, ja }
}

const PLACE = /\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}/g
const plurals = new Intl.PluralRules('en')

/** The phrase with its parameters filled in; a parameter that is missing stays as it is written, so that it is seen. */
export function fill(phrase: string, parameters: Parameters = {}): string {
  return phrase.replace(PLACE, (whole, name: string, one?: string, many?: string) => {
    const value = parameters[name]
    if (value === undefined) return whole
    if (one === undefined || many === undefined) return String(value)
    return plurals.select(Number(value)) === 'one' ? one : many
  })
}

function chooseFirst(): Language {
  const stored = readStored()
  if (stored) return stored
  return navigator.language.toLowerCase().startsWith('ja') ? 'ja' : 'en'
}

function readStored(): Language | null {
  try {
    const stored = localStorage.getItem(STORED)
    return stored === 'en' || stored === 'ja' ? stored : null
  } catch {
    return null // Storage may be forbidden: the choice then lasts as long as the page.
  }
}

let language: Language = chooseFirst()
const listeners = new Set<() => void>()
document.documentElement.lang = language

export function currentLanguage(): Language {
  return language
}

export function chooseLanguage(next: Language): void {
  language = next
  document.documentElement.lang = next
  try {
    localStorage.setItem(STORED, next)
  } catch {
    // See readStored.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, currentLanguage)
}

export function useWords<Key extends string>(words: Words<Key>): Say<Key> {
  const table = words[useLanguage()]
  return (key, parameters) => fill(table[key], parameters)
}
