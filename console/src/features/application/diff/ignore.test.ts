import { describe, expect, it } from 'vitest'
import type { Difference } from '../sync/plan'
import { ruleOf } from './ignore'
import type { Json } from './paths'

const object = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
const shown: Json = {
  spec: {
    containers: [{ name: 'log' }, { name: 'web', ports: [{ containerPort: 80, protocol: 'TCP' }], args: ['-v'] }],
  },
}
const differs = (path: string): Difference => ({ path, desired: 1, live: 2, manager: 'hpa', masked: false })
const rule = (path: string, by: 'field' | 'manager' = 'field') => ruleOf(object, shown, differs(path), by, 'kind')
const kind = { group: 'apps', kind: 'Deployment' }

describe('a rule', () => {
  it.each([
    ['spec.replicas', { jsonPointers: ['/spec/replicas'] }],
    ['metadata.annotations["a.example/b~c"]', { jsonPointers: ['/metadata/annotations/a.example~1b~0c'] }],
    [
      'spec.containers[name=web].image',
      { jqPathExpressions: ['.spec.containers[] | select(.name == "web") | .image'] },
    ],
    [
      'spec.containers[name=web].ports[containerPort=80,protocol=TCP]',
      {
        jqPathExpressions: [
          '.spec.containers[] | select(.name == "web") | .ports[] | select(.containerPort == 80) | select(.protocol == "TCP")',
        ],
      },
    ],
    [
      'spec.containers[name=web].args[0]',
      { jqPathExpressions: ['.spec.containers[] | select(.name == "web") | .args[0]'] },
    ],
    ['spec.items["a/b"][x]', { jqPathExpressions: ['.spec.items["a/b"]'] }],
  ])('for %s', (path, what) => expect(rule(path)).toEqual({ ...kind, ...what }))

  it('may be about whatever a manager sets', () => {
    expect(rule('spec.replicas', 'manager')).toEqual({ ...kind, managedFieldsManagers: ['hpa'] })
  })

  it('may reach one object only', () => {
    expect(ruleOf(object, shown, differs('spec.replicas'), 'field', 'object')).toEqual({
      ...{ ...kind, name: 'web', namespace: 'shop' },
      jsonPointers: ['/spec/replicas'],
    })
  })
})
