import { expect, it } from 'vitest'
import { containersOf } from './containers'

const spec = { containers: [{ name: 'web', image: 'shop:1' }], initContainers: [{ name: 'init', image: 'shop:1' }] }

it.each([
  ['a Pod', { spec }],
  ['a Deployment', { spec: { template: { spec } } }],
  ['a CronJob', { spec: { jobTemplate: { spec: { template: { spec } } } } }],
])('finds those of %s', (_, manifest) =>
  expect(containersOf(manifest).map((each) => [each.name, each.isInit])).toEqual([
    ['web', false],
    ['init', true],
  ]),
)

it('tells why one waits', () => {
  const waiting = { reason: 'ImagePullBackOff', message: 'no such image' }
  const status = { containerStatuses: [{ name: 'web', restartCount: 3, ready: false, state: { waiting } }] }
  expect(containersOf({ spec, status })[0]).toMatchObject({
    state: 'waiting',
    reason: 'ImagePullBackOff',
    message: 'no such image',
    restarts: 3,
  })
})

it.each([undefined, {}, { spec: 'odd' }, { spec: { containers: 'odd' } }])('finds none in %j', (manifest) =>
  expect(containersOf(manifest as never)).toEqual([]),
)
