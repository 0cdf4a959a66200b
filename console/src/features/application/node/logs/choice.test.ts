import { expect, it } from 'vitest'
import { choiceOf, paramsOf } from './choice'

it.each([
  '',
  'follow=0&grep=err&regex=1',
  'previous=1&tail=50&since=300&times=1&wrap=0&container=app&line=t',
  'node=x',
])('reads what it wrote: %s', (query) => {
  const params = new URLSearchParams(query)
  expect(choiceOf(paramsOf(params, choiceOf(params)))).toEqual(choiceOf(params))
  expect([...paramsOf(params, choiceOf(params)).keys()].sort()).toEqual([...params.keys()].sort())
})

it('does not follow a container that is over', () => {
  expect(choiceOf(new URLSearchParams('previous=1')).options.follow).toBe(false)
})

it('takes no nonsense for a number', () => {
  expect(choiceOf(new URLSearchParams('tail=-3&since=x')).options).toMatchObject({ tailLines: 500, sinceSeconds: 0 })
})
