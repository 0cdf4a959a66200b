import { expect, it } from 'vitest'
import { type Resource, resourcePlace } from './search'

it('leads to an object beside the tree of its application', () => {
  const pod = {
    group: '',
    kind: 'Pod',
    namespace: 'shop',
    name: 'web-1',
    application: 'web',
    applicationNamespace: 'argocd',
  } as Resource
  expect(resourcePlace(pod)).toBe('/applications/argocd/web?node=%2FPod%2Fshop%2Fweb-1&panel=summary')
})
