import { renderHook } from '@testing-library/react'
import { expect, it } from 'vitest'
import type { AppRef } from '@/shared/api/types'
import { addPulses, changedKeys, PULSE_MS, printOf, pulseOf, usePulses } from './pulse'
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

it('lets a node pulse once, however often it changes meanwhile', () => {
  const first = addPulses(new Map(), ['a'], 1000)
  expect(addPulses(first, ['a'], 1900)).toBe(first)
  expect(pulseOf(first, 'a', 1900)).toBe(1)
  const second = addPulses(first, ['a'], 1000 + PULSE_MS)
  expect(pulseOf(second, 'a', 1000 + PULSE_MS)).toBe(2)
})

it('does not repeat a pulse that is over', () => {
  expect(pulseOf(addPulses(new Map(), ['a'], 1000), 'a', 1000 + PULSE_MS)).toBe(0)
})

it('sees what changes in an application that is opened in place, and not the opening', () => {
  const [shop, child] = ['shop', 'child'].map((name) => ({ namespace: 'argocd', name })) as [AppRef, AppRef]
  const outer = { app: shop, nodes: [sample('Pod', 'a')] }
  const inner = (status: string) => ({ app: child, nodes: [sample('Pod', 'b', { health: { status } })] })
  const { result, rerender } = renderHook(({ shown }) => usePulses(shop, shown), { initialProps: { shown: [outer] } })
  rerender({ shown: [outer, inner('Healthy')] })
  expect(result.current('argocd/child~/Pod/shop/b')).toBe(0)
  rerender({ shown: [outer, inner('Degraded')] })
  expect(result.current('argocd/child~/Pod/shop/b')).toBe(1)
  expect(result.current('/Pod/shop/a')).toBe(0)
})
