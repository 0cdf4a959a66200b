import { expect, it } from 'vitest'
import { countsInOrder, shortImage, shortRevision } from './parts'

it.each([
  [
    { Healthy: 3, Degraded: 1, Missing: 0 },
    [
      ['Degraded', 1],
      ['Healthy', 3],
    ],
  ],
  [
    { Newer: 1, Synced: 2, OutOfSync: 4 },
    [
      ['Newer', 1],
      ['OutOfSync', 4],
      ['Synced', 2],
    ],
  ],
])('%j stands with the worst first', (counts, ordered) => expect(countsInOrder(counts)).toEqual(ordered))

it.each([
  ['registry.example:5000/team/web:1.2', 'web:1.2'],
  ['web', 'web'],
  [`registry.example/web@sha256:${'0123456789abcdef'.repeat(4)}`, 'web@0123456'],
])('%s is shown as %s', (image, short) => expect(shortImage(image)).toBe(short))

it.each([
  ['0123456789abcdef0123456789abcdef01234567', '0123456'],
  ['15.2.0', '15.2.0'],
])('revision %s is shown as %s', (revision, short) => expect(shortRevision(revision)).toBe(short))
