import { expect, it } from 'vitest'
import { sample } from '../tree/samples'
import { requestOf } from './api'
import { commandOf, removalOf } from './commands'

const web = sample('Deployment', 'web', { group: 'apps' })
const nightly = sample('CronJob', 'nightly', { group: 'batch' })
const rollout = sample('Rollout', 'web', { group: 'argoproj.io' })

it.each([
  [web, 'restart', {}, 'kubectl -n shop rollout restart deployment/web'],
  [web, 'pause', {}, 'kubectl -n shop rollout pause deployment/web'],
  [web, 'resume', {}, 'kubectl -n shop rollout resume deployment/web'],
  [web, 'scale', { replicas: '3' }, 'kubectl -n shop scale deployment/web --replicas=3'],
  [nightly, 'suspend', {}, `kubectl -n shop patch cronjob/nightly -p '{"spec":{"suspend":true}}'`],
  [nightly, 'resume', {}, `kubectl -n shop patch cronjob/nightly -p '{"spec":{"suspend":false}}'`],
  [nightly, 'create-job', {}, 'kubectl -n shop create job NAME --from=cronjob/nightly'],
  [rollout, 'restart', {}, null],
  [rollout, 'promote-full', {}, null],
])('%#: %o', (node, action, values, command) =>
  expect(commandOf(node, action, values as Record<string, string>)).toBe(command),
)

it('deletes what is of another group, and of no namespace, by its whole name', () => {
  expect(removalOf(rollout, 'orphan')).toBe('kubectl -n shop delete rollout.argoproj.io/web --cascade=orphan')
  expect(removalOf(sample('Namespace', 'shop', { namespace: '' }), 'foreground')).toBe(
    'kubectl delete namespace/shop --cascade=foreground',
  )
})

it('asks for an action as newer clients of Argo CD do', () => {
  expect(requestOf({ namespace: 'argocd', name: 'shop' }, web, 'scale', { replicas: '3' })).toEqual({
    name: 'shop',
    appNamespace: 'argocd',
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    namespace: 'shop',
    resourceName: 'web',
    action: 'scale',
    resourceActionParameters: [{ name: 'replicas', value: '3' }],
  })
})
