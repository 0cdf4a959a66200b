import { expect, it } from 'vitest'
import { diffLines } from './lines'

const MARKS = { same: ' ', added: '+', removed: '-' }
const told = (before: string, after: string) =>
  diffLines(before, after)
    .map(({ type, text }) => MARKS[type] + text)
    .join(' ')

it.each([
  ['a\nb\nc\n', 'a\nb\nc\n', ' a  b  c'],
  ['a\nb\nc\n', 'a\nx\nc\n', ' a -b +x  c'],
  ['a\nc', 'a\nb\nc', ' a +b  c'],
  ['a\nb\nc', 'a\nc', ' a -b  c'],
  ['', 'a\nb', '+a +b'],
  ['a\nb', '', '-a -b'],
  ['', '', ''],
])('%j to %j', (before, after, expected) => expect(told(before, after)).toBe(expected))

it('gives back both texts, whatever they are', () => {
  const words = ['a', 'b', 'c']
  for (let seed = 1; seed < 200; seed += 1) {
    const text = (by: number) =>
      Array.from({ length: (seed * by) % 13 }, (_, at) => words[(seed * by * (at + 3)) % 3]).join('\n')
    const [before, after] = [text(7), text(11)]
    const lines = diffLines(before, after)
    const side = (type: string) =>
      lines
        .filter((line) => line.type !== type)
        .map((line) => line.text)
        .join('\n')
    expect([side('added'), side('removed')]).toEqual([before, after])
  }
})

it('ends where nothing is alike', () => {
  const text = (prefix: string) => Array.from({ length: 3000 }, (_, at) => `${prefix}${at}`).join('\n')
  expect(diffLines(text('a'), text('b'))).toHaveLength(6000)
}, 20_000)
