import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Source } from '../model'
import { serve, shop, show } from '../testing'
import { formatObjects } from './export'
import {
  applyDraft,
  commandOf,
  type Draft,
  declarationOf,
  draftOf,
  linkOf,
  patchOf,
  sourceTypes,
  wrongLine,
} from './sources'
import { DetailsTab } from './tab'

afterEach(() => vi.unstubAllGlobals())

const chart: Source = {
  ...{ repoURL: 'https://git.example/shop.git', path: 'chart', targetRevision: 'main' },
  helm: { valueFiles: ['prod.yaml'], parameters: [{ name: 'image.tag', value: '1.4', forceString: true }] },
}
const overlay: Source = { repoURL: 'https://git.example/shop.git', path: 'deploy', targetRevision: 'main' }

describe('a draft', () => {
  it.each<[string, Source, string, Draft]>([
    ['a chart', chart, 'Helm', { target: 'main', parameters: 'image.tag=1.4', images: null }],
    ['an overlay', overlay, 'Kustomize', { target: 'main', parameters: null, images: '' }],
    ['a folder', overlay, 'Directory', { target: 'main', parameters: null, images: null }],
  ])('of %s holds what can be changed of it', (_, source, type, draft) => {
    expect(draftOf(source, type)).toEqual(draft)
    expect(applyDraft(source, draft)).toEqual(source)
  })

  it('changes what it names and keeps the rest', () => {
    const draft = { target: 'v2', parameters: 'image.tag=1.5\n\n a.b = c=d ', images: null }
    expect(applyDraft(chart, draft)).toEqual({
      ...chart,
      targetRevision: 'v2',
      helm: {
        valueFiles: ['prod.yaml'],
        parameters: [
          { name: 'image.tag', value: '1.5', forceString: true },
          { name: 'a.b ', value: ' c=d' },
        ],
      },
    })
  })

  it('takes away what it empties', () => {
    const images = { ...overlay, kustomize: { images: ['shop=shop:2'] } }
    expect(applyDraft(images, { target: '', parameters: null, images: '' })).toEqual({
      repoURL: overlay.repoURL,
      path: 'deploy',
    })
  })

  it.each([
    [null, null],
    ['', null],
    ['a=b\nc=', null],
    ['a=b\nno', 2],
    ['=x', 1],
  ])('%j has its first wrong line at %s', (text, line) => expect(wrongLine(text)).toBe(line))

  it('is a command', () => {
    const draft = { target: 'v2', parameters: 'a=b c\nd=e', images: 'shop=shop:2' }
    expect(commandOf('shop', draft)).toBe(
      "haori app set shop --revision v2 --helm-set 'a=b c' --helm-set d=e --kustomize-image shop=shop:2",
    )
  })
})

it('is patched where its sources stand', () => {
  expect(patchOf(shop(), [overlay])).toEqual([{ op: 'replace', path: '/spec/source', value: overlay }])
  const many = [chart, overlay]
  expect(patchOf(shop({}, { sources: many }), many)).toEqual([{ op: 'replace', path: '/spec/sources', value: many }])
})

it.each([
  ['https://git.example/a.git', 'https://git.example/a.git'],
  ['https://bot:secret@git.example/a.git', 'https://git.example/a.git'],
  ['javascript:alert(1)', null],
  ['ssh://git@git.example/a.git', null],
])('%s is the link %s', (url, link) => expect(linkOf(url)).toBe(link))

it('knows the kinds of its sources', () => {
  expect(sourceTypes(shop({ sourceTypes: ['Helm', 'Directory'] }))).toEqual(['Helm', 'Directory'])
  expect(sourceTypes(shop({ sourceType: 'Helm' }))).toEqual(['Helm'])
  expect(sourceTypes(shop())).toEqual([])
})

describe('an export', () => {
  it('holds what was asked for and nothing of the cluster', () => {
    const application = shop({ sync: { status: 'Synced' } }, {}, { 'haori.dev/pin': '{}' })
    application.metadata.uid = 'u'
    const text = formatObjects([declarationOf(application)], 'YAML')
    expect(text).toMatch(/^apiVersion: argoproj\.io\/v1alpha1\nkind: Application\nmetadata:\n {2}name: shop\n/)
    expect(text).not.toMatch(/status|uid|pin/)
  })

  it('of several objects is documents, or a list', () => {
    expect(formatObjects([{ a: 1 }, { b: 2 }], 'YAML')).toBe('a: 1\n---\nb: 2\n')
    expect(JSON.parse(formatObjects([{ a: 1 }, { b: 2 }], 'JSON'))).toEqual([{ a: 1 }, { b: 2 }])
    expect(JSON.parse(formatObjects([{ a: 1 }], 'JSON'))).toEqual({ a: 1 })
  })
})

const AT = '/applications/argocd/shop/details'

describe('the page', () => {
  it('shows sources, parameters, destination and policy', () => {
    serve({})
    const syncPolicy = { automated: { prune: true }, syncOptions: ['CreateNamespace=true'] }
    show(<DetailsTab application={shop({ sourceType: 'Helm' }, { source: chart, syncPolicy })} />, AT)
    const sources = within(screen.getByRole('region', { name: 'Sources' }))
    expect(sources.getByRole('link', { name: 'https://git.example/shop.git' })).toBeVisible()
    expect(sources.getByRole('row', { name: 'image.tag 1.4' })).toBeVisible()
    expect(sources.getByText('prod.yaml')).toBeVisible()
    expect(within(screen.getByRole('region', { name: 'Sync policy' })).getByText('CreateNamespace=true')).toBeVisible()
  })

  it('is not edited where Git declares it', async () => {
    serve({})
    const tracking = { 'argocd.argoproj.io/tracking-id': 'wear:argoproj.io/Application:argocd/shop' }
    show(<DetailsTab application={shop({}, {}, tracking)} />, AT)
    expect(await screen.findByText(/Git declares it, through the application wear/)).toBeVisible()
    expect(screen.getByRole('button', { name: 'Edit…' })).toHaveAttribute('aria-disabled', 'true')
  })

  it('saves edited sources', async () => {
    const asked = serve({ 'PATCH /api/v1/applications/shop': {} })
    show(<DetailsTab application={shop({ sourceType: 'Helm' }, { source: chart })} />, AT)
    await userEvent.click(screen.getByRole('button', { name: 'Edit…' }))
    const dialog = within(screen.getByRole('dialog'))
    expect(dialog.getByRole('button', { name: 'Save' })).toHaveAttribute('title', 'Nothing is changed yet.')
    const parameters = dialog.getByRole('textbox', { name: /^Helm parameters/ })
    await userEvent.type(parameters, '{Enter}broken')
    expect(dialog.getByRole('alert')).toHaveTextContent('Line 2')
    await userEvent.type(parameters, '=no')
    await userEvent.click(dialog.getByRole('button', { name: 'Save' }))
    await waitFor(() => expect(asked.some((each) => each.method === 'PATCH')).toBe(true))
    const sent = asked.find((each) => each.method === 'PATCH')?.body as { patch: string } | undefined
    expect(sent).toMatchObject({ patchType: 'json' })
    expect(JSON.parse(sent?.patch ?? '')[0].value.helm.parameters.at(-1)).toEqual({ name: 'broken', value: 'no' })
  })
})
