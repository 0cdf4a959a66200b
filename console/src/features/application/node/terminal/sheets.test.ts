import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { withSheets } from './sheets'

class Sheet {
  rules = ''
  replaceSync(text: string) {
    this.rules = text
  }
}

let adopted: Sheet[] = []
beforeEach(() => {
  adopted = []
  vi.stubGlobal('CSSStyleSheet', Sheet)
  Object.defineProperty(document, 'adoptedStyleSheets', {
    configurable: true,
    get: () => adopted,
    set: (sheets: Sheet[]) => {
      adopted = sheets
    },
  })
})
afterEach(() => vi.unstubAllGlobals())

it('puts the text of style elements into adopted sheets, and takes them away with the elements', () => {
  const style = withSheets(document, () => document.createElement('style'))
  document.body.append(style)
  style.textContent = '.a { color: red }'
  expect([style.tagName, style.textContent, adopted.map((sheet) => sheet.rules)]).toEqual([
    'TEMPLATE',
    '.a { color: red }',
    ['.a { color: red }'],
  ])
  style.remove()
  expect([adopted, style.isConnected]).toEqual([[], false])
})

it('leaves other elements, and the document afterwards, as they are', () => {
  expect(withSheets(document, () => document.createElement('div')).tagName).toBe('DIV')
  expect(document.createElement('style').tagName).toBe('STYLE')
})

it('restores the document where building fails', () => {
  const fail = () => {
    throw new Error('broken')
  }
  expect(() => withSheets(document, fail)).toThrow('broken')
  expect(document.createElement('style').tagName).toBe('STYLE')
})
