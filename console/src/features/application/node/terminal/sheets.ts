/**
 * Style elements that are adopted style sheets.
 *
 * The terminal's library writes its measures and colours into style elements of its own, which the page's policy (no inline
 * styles) forbids. Sheets made by script are not inline: while the library builds its screen, it gets stand-ins whose text
 * goes into such a sheet. (Its option `documentOverride` does not reach all of them in 6.0.)
 */
export function withSheets<Result>(page: Document, build: () => Result): Result {
  const create = page.createElement.bind(page)
  const stand: Document['createElement'] = (tag: string, options?: ElementCreationOptions) =>
    tag.toLowerCase() === 'style' ? sheetElement(page, create('template')) : create(tag, options)
  Object.defineProperty(page, 'createElement', { configurable: true, value: stand })
  try {
    return build()
  } finally {
    Reflect.deleteProperty(page, 'createElement') // The prototype's own comes to light again.
  }
}

function sheetElement(page: Document, element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet()
  page.adoptedStyleSheets = [...page.adoptedStyleSheets, sheet]
  let text = ''
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set: (value: string) => {
      text = value
      sheet.replaceSync(value)
    },
  })
  const remove = element.remove.bind(element)
  element.remove = () => {
    page.adoptedStyleSheets = page.adoptedStyleSheets.filter((each) => each !== sheet)
    remove()
  }
  return element
}
