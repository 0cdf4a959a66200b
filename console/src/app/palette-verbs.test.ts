import { expect, it } from 'vitest'
import { readVerb } from './palette-verbs'

it.each([
  ['sync web', { tab: 'sync', verb: 'sync', rest: 'web' }],
  ['  Rollback  web api ', { tab: 'history', verb: 'Rollback', rest: 'web api' }],
  ['同期 web', { tab: 'sync', verb: '同期', rest: 'web' }],
  ['sync', null],
  ['sync-service', null],
  ['web sync', null],
  ['', null],
])('%j says %j', (text, said) => expect(readVerb(text)).toEqual(said))
