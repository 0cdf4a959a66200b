import { describe, expect, it } from 'vitest'
import { filterOf, foldTraces, highlight, isContinuation, type LogLine, levelOf, toText } from './lines'

let next = 0
const line = (text: string, pod = 'web-1'): LogLine => ({
  id: next++,
  time: '2026-01-01T00:00:00Z',
  pod,
  container: 'app',
  text,
})
const filter = { text: '', isRegex: false, isInverted: false, matchesCase: false }

describe('levelOf', () => {
  it.each([
    ['E0501 12:00:00.000 1 main.go] gone', 'error'],
    ['W0501 12:00:00.000 1 main.go] slow', 'warn'],
    ['time=x level=warning msg="error rate is fine"', 'warn'],
    ['{"severity":"ERROR","message":"x"}', 'error'],
    ['[INFO] started', 'info'],
    ['2026-01-01 DEBUG query', 'debug'],
    ['GET /errors 200', 'none'],
    [`${'x'.repeat(130)} error`, 'none'],
  ] as const)('%s is %s', (text, level) => expect(levelOf(text)).toBe(level))
})

it.each([
  '    at java.lang.Thread.run(Thread.java:1)',
  '  File "app.py", line 1',
  "\tfrom app.rb:1:in `x'",
  'Caused by: x',
  '  ... 12 more',
])('goes on with a trace: %s', (text) => expect(isContinuation(text)).toBe(true))

it('folds traces by container, though their lines are mixed', () => {
  const lines = [line('boom'), line('other', 'web-2'), line('  at one'), line('  at two'), line('fine')]
  const blocks = foldTraces(lines).map(({ first, rest }) => [first.text, rest.length])
  expect(blocks).toEqual([['boom', 2], ['other', 0], ['fine', 0]]) // biome-ignore format: a table.
})

it('shows a trace that begins before what was read', () => {
  expect(foldTraces([line('  at one'), line('  at two')]).map(({ rest }) => rest.length)).toEqual([1])
})

describe('a filter', () => {
  const kept = (changes: Partial<typeof filter>) => {
    const { keeps } = filterOf({ ...filter, ...changes })
    return ['Error 42', 'error', 'fine'].map((text) => line(text)).filter(keeps).map((each) => each.text) // biome-ignore format: one step.
  }
  it.each([
    [{ text: 'error' }, ['Error 42', 'error']],
    [{ text: 'error', matchesCase: true }, ['error']],
    [{ text: 'error', isInverted: true }, ['fine']],
    [{ text: 'r \\d+', isRegex: true }, ['Error 42']],
    [{ text: '(', isRegex: true }, ['Error 42', 'error', 'fine']],
  ])('%j', (changes, texts) => expect(kept(changes)).toEqual(texts))

  it('says what is wrong with a pattern', () =>
    expect(filterOf({ ...filter, text: '(', isRegex: true }).problem).toMatch(/group/i))
})

it.each([
  [{ text: 'A' }, ['b', 'a', 'b', 'a', '']],
  [{ text: 'a', isInverted: true }, ['baba']],
  [{ text: '(', isRegex: true }, ['baba']],
  [{ text: 'x*', isRegex: true }, ['baba']],
])('marks what matches %j', (changes, parts) => expect(highlight('baba', { ...filter, ...changes })).toEqual(parts))

it('names the Pod in a file of several', () => {
  expect(toText([line('a'), line('b', 'web-2')], false)).toBe('web-1 a\nweb-2 b\n')
  expect(toText([line('a')], true)).toBe('2026-01-01T00:00:00Z a\n')
})
