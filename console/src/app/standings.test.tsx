import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { hearStanding, type Part, STATUS_STREAM } from '@/shared/api/standing'
import { useStream } from '@/shared/api/stream'
import { chooseLanguage } from '@/shared/words'
import { Standings } from './standings'

const streams: FakeStream[] = []
class FakeStream extends EventTarget {
  static readonly CLOSED = 2
  readyState = 1
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  constructor(readonly url: string) {
    super()
    streams.push(this)
  }
  close() {
    this.readyState = FakeStream.CLOSED
  }
  tell(name: string, data: unknown) {
    act(() => void this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) })))
  }
}
const open = () => streams.filter((stream) => stream.readyState !== FakeStream.CLOSED).map((stream) => stream.url)

const SINCE = new Date(2026, 10, 26, 9, 41).toISOString()
const present = { state: 'present', since: SINCE, problem: null } as const
const away = { state: 'away', since: SINCE, problem: 'engine-away' } as const
const all = { engine: present, store: present, watch: present }

beforeEach(() => {
  streams.length = 0
  vi.useFakeTimers({ now: new Date(2026, 10, 26, 10, 0) })
  vi.stubGlobal('EventSource', FakeStream)
})
afterEach(() => {
  act(() => hearStanding(null))
  act(() => chooseLanguage('en'))
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function Follower({ url }: { url: string | null }) {
  useStream(url, {})
  return null
}

function show(url: string | null = null) {
  const queries = new QueryClient()
  const page = (of: string | null) => (
    <QueryClientProvider client={queries}>
      <Follower url={of} />
      <Standings />
    </QueryClientProvider>
  )
  const { rerender } = render(page(url))
  return { queries, follow: (of: string | null) => rerender(page(of)) }
}

const region = () => screen.getByRole('status')

it('says nothing while everything is there, in a region that stands already', () => {
  show()
  expect(region()).toBeEmptyDOMElement()
  act(() => hearStanding(all))
  expect(region()).toBeEmptyDOMElement()
})

it.each<[Part, RegExp]>([
  ['engine', /^The engine has been away since 9:41\sAM\. What is shown may be old, .*by itself/],
  ['store', /^The store \(PostgreSQL\) has been away since 9:41\sAM\. .*nobody can sign in/],
  ['watch', /^The cluster has told of no change since 9:41\sAM\. Lists show what was heard last/],
])('says of %s since when it is away, what that means and what helps', (part, text) => {
  show()
  act(() => hearStanding({ ...all, [part]: away }))
  expect(screen.getByRole('listitem')).toHaveTextContent(text)
  expect(region()).toContainElement(screen.getByRole('listitem'))
})

it('says all that is away at once, in Japanese too', () => {
  show()
  act(() => chooseLanguage('ja'))
  act(() => hearStanding({ engine: away, store: away, watch: present }))
  expect(screen.getAllByRole('listitem').map((item) => item.textContent?.slice(0, 4))).toEqual(['エンジン', '保存先('])
  expect(region()).toHaveTextContent('9:41')
})

it('has nothing to press, and goes away by itself, having asked for everything anew', () => {
  const { queries } = show()
  const anew = vi.spyOn(queries, 'invalidateQueries')
  act(() => hearStanding({ ...all, engine: away }))
  expect(screen.queryByRole('button')).toBeNull()
  expect(anew).not.toHaveBeenCalled()
  act(() => hearStanding(all))
  expect(region()).toBeEmptyDOMElement()
  expect(anew).toHaveBeenCalledOnce()
})

it('says nothing of a store that was never given', () => {
  show()
  act(() => hearStanding({ ...all, store: { ...present, state: 'none' } }))
  expect(region()).toBeEmptyDOMElement()
})

it('hears it on the stream of a page, and takes no connection of its own then', () => {
  show('/rows')
  act(() => vi.advanceTimersByTime(10_000))
  expect(open()).toEqual(['/rows'])
  streams[0]?.tell('status', { ...all, engine: away })
  expect(screen.getByRole('listitem')).toBeVisible()
})

it('follows it by itself where the page follows nothing, and gives that back to one that does', () => {
  const { follow } = show()
  act(() => vi.advanceTimersByTime(2000))
  expect(open()).toEqual([STATUS_STREAM])
  follow('/rows')
  expect(open()).toEqual(['/rows'])
  follow(null)
  act(() => vi.advanceTimersByTime(2000))
  expect(open()).toEqual([STATUS_STREAM])
})

it('opens nothing between two pages that follow something', () => {
  const { follow } = show('/a')
  follow(null)
  act(() => vi.advanceTimersByTime(100))
  follow('/b')
  act(() => vi.advanceTimersByTime(10_000))
  expect(streams.map((stream) => stream.url)).toEqual(['/a', '/b'])
})
