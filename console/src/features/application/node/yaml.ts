/** YAML of plain JSON values, as people write manifests: maps in the order they have, text plain where that is safe. Pure. */

const INDENT = '  '
/** Plain text that YAML 1.1 or 1.2 would read as something else than text. */
const NOT_TEXT =
  /^(?:~|null|true|false|yes|no|on|off|y|n|[-+]?(?:\d[\d_]*)?\.?\d+(?:e[-+]?\d+)?|[-+]?\d[\d_]*\.?|0[xob][\da-f_]+|[-+]?\.(?:inf|nan)|\d+(?::[0-5]?\d)+(?:\.\d*)?|\d{4}-\d\d?-\d\d?.*|<<|=)$/i
const SAFE = /^[A-Za-z0-9_./+][ -~]*$/

export function toYaml(value: unknown): string {
  return `${block(value, '').replace(/^\n/, '')}\n`
}

/** What stands behind `key:` or `-`: a space and a scalar, or lines of their own. */
function block(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []'
    return value.map((each) => `\n${indent}-${item(each, indent + INDENT)}`).join('')
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    if (entries.length === 0) return ' {}'
    return entries
      .map(([key, each]) => `\n${indent}${scalar(key)}:${block(each, Array.isArray(each) ? indent : indent + INDENT)}`)
      .join('')
  }
  if (typeof value === 'string' && isLiteral(value)) return literal(value, indent || INDENT)
  return ` ${scalar(value)}`
}

/** As `block`, where the first line of a map stands beside its dash. */
function item(value: unknown, indent: string): string {
  const text = block(value, indent)
  const isNested = typeof value === 'object' && value !== null && text.startsWith('\n')
  return isNested ? ` ${text.slice(1 + indent.length)}` : text
}

/** Lines that can stand as they are: others are quoted, for blanks at their ends would be lost. */
function isLiteral(text: string): boolean {
  return (
    text.includes('\n') &&
    /^[^\s]/.test(text) &&
    !/[ \t]\n|[ \t]$|\n\n$|[^\n\t\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text)
  )
}

function literal(text: string, indent: string): string {
  const lines = text.replace(/\n$/, '').split('\n')
  return ` ${text.endsWith('\n') ? '|' : '|-'}${lines.map((line) => (line ? `\n${indent}${line}` : '\n')).join('')}`
}

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null'
  const isPlain = SAFE.test(value) && !NOT_TEXT.test(value) && !/: |:$| #|\s$/.test(value)
  return isPlain ? value : JSON.stringify(value)
}
