import { expect, it } from 'vitest'
import { isSameLine } from './row'
import { row } from './testing'

it('passes over a line of the heat map whose rows are the same, and no other', () => {
  const [web, cart] = [row({}), row({ name: 'cart' })]
  const line = { rows: [web, cart], from: 0, selected: new Map(), onToggle: () => undefined }
  expect(isSameLine(line, { ...line, rows: [web, cart] })).toBe(true)
  expect(isSameLine(line, { ...line, rows: [web, row({ name: 'cart' })] })).toBe(false)
  expect(isSameLine(line, { ...line, rows: [web] })).toBe(false)
  expect(isSameLine(line, { ...line, selected: new Map() })).toBe(false)
  expect(isSameLine(line, { ...line, from: 2 })).toBe(false)
})
