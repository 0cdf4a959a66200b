import { expect, it } from 'vitest'
import { changedKeys, printOf } from './pulse'
import { sample } from './samples'

const prints = (health: string) =>
  new Map([
    ['a', printOf(sample('Pod', 'a', { health: { status: health } }))],
    ['b', printOf(sample('Pod', 'b'))],
  ])

it('finds what changed and what is new', () => {
  expect(changedKeys(prints('Healthy'), prints('Degraded'))).toEqual(['a'])
  expect(changedKeys(prints('Healthy'), prints('Healthy'))).toEqual([])
  expect(changedKeys(new Map([['a', prints('Healthy').get('a') ?? '']]), prints('Healthy'))).toEqual(['b'])
})

it('does not take the first sight of a tree for a change', () => {
  expect(changedKeys(new Map(), prints('Healthy'))).toEqual([])
})
