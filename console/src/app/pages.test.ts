import { describe, expect, it } from 'vitest'
import { findPage } from './pages'

const APPLICATION = '/applications/:namespace/:name/:tab?'

describe('the page of an address', () => {
  it.each([
    ['/applications', '/applications', {}],
    ['/applications/', '/applications', {}],
    ['/applications/argocd/shop', APPLICATION, { namespace: 'argocd', name: 'shop' }],
    ['/applications/argocd/shop/', APPLICATION, { namespace: 'argocd', name: 'shop' }],
    ['/applications/argocd/shop/diff', APPLICATION, { namespace: 'argocd', name: 'shop', tab: 'diff' }],
    ['/settings/projects/a%2Fb', '/settings/projects/:name', { name: 'a/b' }],
  ])('%s is found with its parameters', (pathname, path, parameters) => {
    const found = findPage(pathname)
    expect([found?.page.path, found?.parameters]).toEqual([path, parameters])
  })

  it.each([
    '/',
    '/applications/argocd',
    '/applications/argocd/shop/diff/more',
    '/nowhere',
    '/settings/projects/%E0%A4%A',
  ])('%s is none', (pathname) => expect(findPage(pathname)).toBeNull())
})
