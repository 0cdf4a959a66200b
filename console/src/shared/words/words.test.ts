import { describe, expect, it } from 'vitest'
import { chooseLanguage, currentLanguage, fill, type Words } from '.'

const modules = import.meta.glob<Record<string, unknown>>('../../**/words.ts', { eager: true })
const isWords = (value: unknown): value is Words<string> =>
  typeof value === 'object' && value !== null && 'en' in value && 'ja' in value
const tables = Object.entries(modules).flatMap(([path, exports]) =>
  Object.entries(exports)
    .filter((entry): entry is [string, Words<string>] => isWords(entry[1]))
    .map(([name, words]) => [`${path} ${name}`, words] as const),
)
const parameters = (phrase: string) => [...new Set([...phrase.matchAll(/\{(\w+)[|}]/g)].map((each) => each[1]))].sort()
/** A number with a word behind it that would be wrong of one. */
const COUNTED = /\{(n|count|total|objects|reach|managed|owned|failed)\} (?:more )?(?!begins)[a-z]+s\b/i

describe('phrases', () => {
  it('are found', () => expect(tables.length).toBeGreaterThan(2))

  it.each(tables)('of %s take the same parameters in both languages', (_, words) => {
    for (const [key, phrase] of Object.entries(words.en)) {
      expect([key, parameters(words.ja[key] ?? '')]).toEqual([key, parameters(phrase)])
    }
  })

  it.each(tables)('of %s count one thing as one', (_, words) => {
    expect(Object.values(words.en).filter((phrase) => COUNTED.test(phrase))).toEqual([])
  })

  it.each([
    [0, '0 objects'],
    [1, '1 object'],
    ['1', '1 object'],
    [21, '21 objects'],
  ])('say of %s: %s', (n, said) => expect(fill('{n} {n|object|objects}', { n })).toBe(said))

  it('show a parameter that was not given', () => expect(fill('{count} of {total}', { count: 1 })).toBe('1 of {total}'))
})

describe('the language', () => {
  it('is told to the document', () => {
    chooseLanguage('ja')
    expect([currentLanguage(), document.documentElement.lang]).toEqual(['ja', 'ja'])
    chooseLanguage('en')
    expect(document.documentElement.lang).toBe('en')
  })
})
