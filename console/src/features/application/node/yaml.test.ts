import { expect, it } from 'vitest'
import { toYaml } from './yaml'

it('writes a manifest as people do', () => {
  const manifest = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', labels: {}, finalizers: [] },
    data: { 'limits.json': '{\n  "cart": 60\n}\n', empty: '', url: 'http://a.example:80/x' },
    list: [{ name: 'a', ports: [80, 443] }, 'plain', [1, 2], null],
  }
  expect(toYaml(manifest)).toBe(`apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {}
  finalizers: []
data:
  limits.json: |
    {
      "cart": 60
    }
  empty: ""
  url: http://a.example:80/x
list:
- name: a
  ports:
  - 80
  - 443
- plain
- - 1
  - 2
- null
`)
})

it.each([
  ['true', '"true"'],
  ['No', '"No"'],
  ['1', '"1"'],
  ['1.5e3', '"1.5e3"'],
  ['0x1f', '"0x1f"'],
  ['12:30:45', '"12:30:45"'],
  ['2026-01-01', '"2026-01-01"'],
  ['null', '"null"'],
  ['a: b', '"a: b"'],
  ['a #b', '"a #b"'],
  ['- a', '"- a"'],
  ['*all', '"*all"'],
  ['{a}', '"{a}"'],
  ['trailing ', '"trailing "'],
  ['tab\there', '"tab\\there"'],
  [' lead\nline', '" lead\\nline"'],
  ['line \nmore', '"line \\nmore"'],
  ['v1.2.3', 'v1.2.3'],
  ['registry/app:1.0', 'registry/app:1.0'],
  ['日本語', '"日本語"'],
])('%j is written as %s', (text, written) => expect(toYaml({ a: text })).toBe(`a: ${written}\n`))

it.each([
  [{}, '{}'],
  [[], '[]'],
  [{ a: 'x\ny' }, 'a: |-\n  x\n  y'],
  [{ a: [{ b: 'x\n\ny\n' }] }, 'a:\n- b: |\n    x\n\n    y'],
])('%j', (value, text) => expect(toYaml(value).trim()).toBe(text))
