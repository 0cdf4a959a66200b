/** An object as lines of YAML, each with the place of what it shows, so that a line can be traced to its field. Pure. */
import type { Json, Place } from './paths'

export interface Line {
  text: string
  place: Place
}

/** The lines of a value; mappings keep their order. */
export function linesOf(value: Json): Line[] {
  return write(value, [], '')
}

/** The same as one text. */
export function yamlOf(value: Json): string {
  return linesOf(value)
    .map((line) => `${line.text}\n`)
    .join('')
}

function write(value: Json, place: Place, indent: string): Line[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((item, index) => writeItem(item, [...place, index], indent))
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([name, each]) => writeField(name, each, [...place, name], indent))
  }
  return writeLeaf(value, place, indent, indent)
}

function writeField(name: string, value: Json, place: Place, indent: string): Line[] {
  const head = `${indent}${scalar(name)}:`
  if (isNested(value)) {
    // Items of lists stand as far left as their field, as kubectl writes them.
    const below = Array.isArray(value) ? indent : `${indent}  `
    return [{ text: head, place }, ...write(value, place, below)]
  }
  return writeLeaf(value, place, `${head} `, `${indent}  `)
}

function writeItem(value: Json, place: Place, indent: string): Line[] {
  const head = `${indent}- `
  if (!isNested(value)) return writeLeaf(value, place, head, `${indent}  `)
  const [first, ...rest] = write(value, place, `${indent}  `)
  return first ? [{ ...first, text: head + first.text.slice(head.length) }, ...rest] : []
}

function isNested(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

function writeLeaf(value: Json, place: Place, head: string, indent: string): Line[] {
  if (typeof value !== 'string' || !canBeBlock(value)) return [{ text: head + scalar(value), place }]
  const body = value.replace(/\n+$/, '')
  const ends = value.length - body.length
  const mark = ends === 0 ? '|-' : ends === 1 ? '|' : '|+'
  const rows = (ends > 1 ? value.slice(0, -1) : body).split('\n')
  return [head + mark, ...rows.map((row) => (row ? indent + row : ''))].map((text) => ({ text, place }))
}

/** Several lines that a block may hold: it cannot begin with a space, and control characters have to be escaped. */
function canBeBlock(text: string): boolean {
  return (
    /\n./.test(text) &&
    !/^[ \n]/.test(text) &&
    !/[^\n\t\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|[ \t]\n/u.test(text)
  )
}

const PLAIN = /^[A-Za-z0-9_./$(<][^\n\t]*$/
/** What YAML 1.1 or 1.2 would read as something else than text. */
const OTHER =
  /^(|~|null|true|false|yes|no|on|off|y|n|[-+]?(0|[1-9][\d_]*)(\.\d*)?(e[-+]?\d+)?|\.\d+|0[xob]?[\da-f_]+|[-+]?\.(inf|nan)|[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?|\d{4}-\d\d?-\d\d?.*)$/i

function scalar(value: Json): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  const isPlain = PLAIN.test(value) && !OTHER.test(value) && !/: |:$| #|\s$/.test(value)
  return isPlain ? value : JSON.stringify(value)
}
