/** What the reader chose of a log, as the page's address has it, so that a link shows the same. */
import type { LineFilter } from './lines'
import type { LogOptions } from './reading'

export interface LogChoice {
  options: LogOptions
  filter: LineFilter
  showsTimes: boolean
  wraps: boolean
  /** Time of the line that a link points to, empty for none. */
  line: string
}

const TAIL = 500

export function choiceOf(params: URLSearchParams): LogChoice {
  const number = (name: string, otherwise: number) => {
    const value = Number(params.get(name))
    return Number.isInteger(value) && value > 0 ? value : otherwise
  }
  const flag = (name: string) => params.get(name) === '1'
  return {
    options: {
      container: params.get('container') ?? '',
      follow: params.get('follow') !== '0' && !flag('previous'),
      previous: flag('previous'),
      tailLines: number('tail', TAIL),
      sinceSeconds: number('since', 0),
    },
    filter: {
      text: params.get('grep') ?? '',
      isRegex: flag('regex'),
      isInverted: flag('invert'),
      matchesCase: flag('case'),
    },
    showsTimes: flag('times'),
    wraps: params.get('wrap') !== '0',
    line: params.get('line') ?? '',
  }
}

/** The address's parameters with a choice in them; what is as usual is left out. */
export function paramsOf(before: URLSearchParams, choice: LogChoice): URLSearchParams {
  const params = new URLSearchParams(before)
  const put = (name: string, value: string) => (value ? params.set(name, value) : params.delete(name))
  const { options, filter } = choice
  put('container', options.container)
  put('follow', options.follow || options.previous ? '' : '0')
  put('previous', options.previous ? '1' : '')
  put('tail', options.tailLines === TAIL ? '' : String(options.tailLines))
  put('since', options.sinceSeconds ? String(options.sinceSeconds) : '')
  put('grep', filter.text)
  put('regex', filter.isRegex ? '1' : '')
  put('invert', filter.isInverted ? '1' : '')
  put('case', filter.matchesCase ? '1' : '')
  put('times', choice.showsTimes ? '1' : '')
  put('wrap', choice.wraps ? '' : '0')
  put('line', choice.line)
  return params
}
