import { expect, it } from 'vitest'
import { labelKeys, nameOfGroup } from './toolbar'

const rows: { labels: Record<string, string> }[] = [{ labels: { tier: 'a', team: 'b' } }, { labels: { team: 'c' } }]

it.each([
  ['', ['team', 'tier']],
  ['label:tier', ['team', 'tier']],
  ['label:zone', ['team', 'tier', 'zone']],
  ['project', ['team', 'tier']],
])('offers the keys of labels, and that of %j', (group, keys) => expect(labelKeys(rows, group)).toEqual(keys))

it.each([
  ['project', 'project'],
  ['label:example.com/team', 'label team'],
])('calls %s %s', (group, name) => {
  expect(nameOfGroup(group, (key, parameters) => [key, parameters?.['label']].filter(Boolean).join(' '))).toBe(name)
})
