import { expect, it } from 'vitest'
import { addView, parseViews } from './views'

it.each([
  [null, []],
  ['broken', []],
  ['{"name":"a"}', []],
  ['[{"name":"a","search":"q=1"},{"name":2},null]', [{ name: 'a', search: 'q=1' }]],
])('%j holds the views %j', (text, views) => expect(parseViews(text)).toEqual(views))

it('puts a view among the others by name, in the place of its namesake', () => {
  const before = [
    { name: 'b', search: '1' },
    { name: 'c', search: '2' },
  ]
  expect(addView(before, { name: 'a', search: '3' }).map((each) => each.name)).toEqual(['a', 'b', 'c'])
  expect(addView(before, { name: 'c', search: '3' })[1]).toEqual({ name: 'c', search: '3' })
})
