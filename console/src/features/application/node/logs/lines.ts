/**
 * What becomes of log lines before they are shown: their level, which lines belong to one stack trace, which are wanted.
 * Lines are foreign text; they are only ever put into text nodes.
 */
export interface LogLine {
  /** Counts up in one reading, so that a line keeps its key. */
  id: number
  time: string
  pod: string
  container: string
  text: string
}

export type Level = 'error' | 'warn' | 'info' | 'debug' | 'none'

const LEVELS: readonly (readonly [Level, RegExp])[] = [
  ['error', /\b(fatal|panic|critical|crit|error|err|severe|exception)\b/i],
  ['warn', /\b(warn|warning)\b/i],
  ['info', /\b(info|notice)\b/i],
  ['debug', /\b(debug|trace|verbose)\b/i],
]
/** A level stands at the head of a line; words further right are part of what is said. */
const HEAD = 120

/** The level that a line names: of `level=warn`, `"level":"error"`, `[INFO]`, klog's `E1126`, or a plain word near its head. */
export function levelOf(text: string): Level {
  const klog = /^([EWIF])\d{4} /.exec(text)
  if (klog) return klog[1] === 'W' ? 'warn' : klog[1] === 'I' ? 'info' : 'error'
  const named = /"?(?:level|severity|lvl)"?\s*[=:]\s*"?(\w+)/i.exec(text)
  const head = named?.[1] ?? text.slice(0, HEAD)
  return LEVELS.find(([, pattern]) => pattern.test(head))?.[0] ?? 'none'
}

/** Whether a line goes on with the stack trace of the line before it (Java, Python, Ruby, Go, JavaScript). */
export function isContinuation(text: string): boolean {
  return /^(\s+at |\s+File "|\s+from |\s{2,}\S|\t|Caused by: |\s*\.\.\. \d+ more|goroutine \d+)/.test(text)
}

export interface LogBlock {
  first: LogLine
  /** Lines of its stack trace, folded away until they are asked for. */
  rest: LogLine[]
}

/** Lines with the stack traces that follow them; a trace is never mixed with another container's lines. */
export function foldTraces(lines: readonly LogLine[]): LogBlock[] {
  const blocks: LogBlock[] = []
  const last = new Map<string, LogBlock>()
  for (const line of lines) {
    const source = `${line.pod}/${line.container}`
    const before = last.get(source)
    if (before && isContinuation(line.text)) {
      before.rest.push(line)
      continue
    }
    const block = { first: line, rest: [] }
    blocks.push(block)
    last.set(source, block)
  }
  return blocks
}

export interface LineFilter {
  text: string
  isRegex: boolean
  isInverted: boolean
  matchesCase: boolean
}

const LONGEST_PATTERN = 200

/** A test for lines; a pattern that cannot be read says why and lets everything pass. */
export function filterOf(filter: LineFilter): { keeps: (line: LogLine) => boolean; problem: string } {
  const { text, isInverted, matchesCase } = filter
  if (!text) return { keeps: () => true, problem: '' }
  const plain = (value: string) => (matchesCase ? value : value.toLowerCase())
  let found = (value: string) => plain(value).includes(plain(text))
  if (filter.isRegex) {
    try {
      const pattern = new RegExp(text.slice(0, LONGEST_PATTERN), matchesCase ? '' : 'i')
      found = (value) => pattern.test(value)
    } catch (error) {
      return { keeps: () => true, problem: error instanceof Error ? error.message : String(error) }
    }
  }
  return { keeps: (line) => found(line.text) !== isInverted, problem: '' }
}

/** `text` cut where the filter matches: parts at odd places are matches. An inverted filter marks nothing. */
export function highlight(text: string, filter: LineFilter): string[] {
  if (!filter.text || filter.isInverted) return [text]
  try {
    const source = filter.isRegex
      ? filter.text.slice(0, LONGEST_PATTERN)
      : filter.text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    const pattern = new RegExp(source, filter.matchesCase ? 'g' : 'gi')
    const parts: string[] = []
    let from = 0
    for (const match of text.matchAll(pattern)) {
      if (match[0] === '') continue
      parts.push(text.slice(from, match.index), match[0])
      from = match.index + match[0].length
    }
    return [...parts, text.slice(from)]
  } catch {
    return [text] // The field beside it says what is wrong with the pattern.
  }
}

/** Lines as a file has them. */
export function toText(lines: readonly LogLine[], withTimes: boolean): string {
  const many = new Set(lines.map((line) => `${line.pod}/${line.container}`)).size > 1
  return lines
    .map((line) => [withTimes ? line.time : '', many ? line.pod : '', line.text].filter(Boolean).join(' '))
    .join('\n')
    .concat('\n')
}
