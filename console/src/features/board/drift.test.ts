import { expect, it } from 'vitest'
import type { App, Cell } from './api'
import { changedImages, environmentBefore, nameOfImage, shortName, versionOfImage } from './drift'

const cell = (...images: string[]) => ({ images }) as unknown as Cell
const app = { cells: { dev: cell(), prod: cell() } } as unknown as App

it.each([
  ['prod', 'dev'],
  ['dev', undefined],
])('before %s is %s, since the app is not in all of them', (environment, before) =>
  expect(environmentBefore(app, ['dev', 'staging', 'prod'], environment)).toBe(before),
)

it.each([
  ['registry.example:5000/shop/web:1.2', 'registry.example:5000/shop/web', 'web', '1.2'],
  ['registry.example:5000/web', 'registry.example:5000/web', 'web', 'registry.example:5000/web'],
  ['web:1@sha256:0123456789', 'web', 'web', '0123456'],
])('%s has a name and a version', (image, name, short, version) =>
  expect([nameOfImage(image), shortName(image), versionOfImage(image)]).toEqual([name, short, version]),
)

it.each([
  ['the first', cell('a:1'), undefined, []],
  ['the same', cell('a:1'), cell('a:1'), []],
  ['a newer one', cell('a:2', 'b:1'), cell('a:1', 'b:1'), ['a:2']],
])('changed images of %s', (_, now, before, changed) => expect([...changedImages(now, before)]).toEqual(changed))
