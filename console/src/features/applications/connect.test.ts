import { expect, it } from 'vitest'
import { checkDraft, createCommand, EMPTY, manifestOf, suggestName } from './connect'

const shop = { ...EMPTY, url: 'https://git.example/team/shop.git', name: 'shop', namespace: 'shop' }

it.each([
  ['what is complete', shop, []],
  ['what is empty', EMPTY, ['name', 'namespace', 'url']],
  ['a path of SSH', { ...shop, url: 'git@git.example:team/shop.git' }, []],
  ['a name with capitals', { ...shop, name: 'Shop' }, ['name']],
  ['a URL of another kind', { ...shop, url: 'javascript:alert(1)' }, ['url']],
  ['no folder', { ...shop, path: ' ' }, ['path']],
])('names what is wrong with %s', (_, draft, fields) => expect(Object.keys(checkDraft(draft)).sort()).toEqual(fields))

it.each([
  ['https://git.example/team/Shop_API.git', '.', 'shop-api'],
  ['git@git.example:team/shop.git', '', 'shop'],
  ['https://git.example/platform.git', 'apps/cart/', 'cart'],
  ['', '', ''],
])('calls %s %s %s', (url, path, name) => expect(suggestName(url, path)).toBe(name))

it('follows the default branch unless told', () => {
  expect(manifestOf(shop).spec.source.targetRevision).toBe('HEAD')
  expect(manifestOf({ ...shop, revision: 'main' }).spec.source.targetRevision).toBe('main')
})

it('syncs by itself only where that is wanted', () => {
  expect(manifestOf({ ...shop, isAutomated: false }).spec.syncPolicy).not.toHaveProperty('automated')
  expect(createCommand({ ...shop, isAutomated: false })).not.toContain('--sync-policy')
})

it('is a command, with what a shell would take apart in quotes', () => {
  expect(createCommand({ ...shop, path: "a b's", revision: 'v1' })).toBe(
    "haori app create shop --repo https://git.example/team/shop.git --path 'a b'\\''s' --revision v1" +
      ' --dest-namespace shop --sync-policy automated --sync-option CreateNamespace=true',
  )
})
