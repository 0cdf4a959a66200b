import { act, renderHook } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useStream } from './stream'

const streams: FakeStream[] = []

class FakeStream {
  static readonly CLOSED = 2
  readyState = 0
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  constructor(readonly url: string) {
    streams.push(this)
  }
  addEventListener() {}
  close() {
    this.readyState = FakeStream.CLOSED
  }
}

const open = () => streams.filter((stream) => stream.readyState !== FakeStream.CLOSED)

function see(isHidden: boolean) {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(isHidden)
  act(() => void document.dispatchEvent(new Event('visibilitychange')))
}

beforeEach(() => {
  streams.length = 0
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', FakeStream)
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

test('a tab that nobody sees gives its connection back and takes one again when it is seen', () => {
  renderHook(() => useStream('/stream', { message: () => {} }))
  see(true)
  expect(open()).toHaveLength(1)
  act(() => vi.advanceTimersByTime(6000))
  expect(open()).toHaveLength(0)
  see(false)
  expect(open()).toHaveLength(1)
})

test('a tab that is hidden for a moment only keeps its stream', () => {
  renderHook(() => useStream('/stream', { message: () => {} }))
  see(true)
  act(() => vi.advanceTimersByTime(1000))
  see(false)
  act(() => vi.advanceTimersByTime(10_000))
  expect(streams).toHaveLength(1)
  expect(open()).toHaveLength(1)
})

test('a page that is left gives its connection back at once and takes one again when it comes back', () => {
  renderHook(() => useStream('/stream', { message: () => {} }))
  act(() => void window.dispatchEvent(new Event('pagehide')))
  expect(open()).toHaveLength(0)
  act(() => void window.dispatchEvent(new Event('pageshow')))
  expect(open()).toHaveLength(1)
})

test('a page that is gone listens no more', () => {
  const { unmount } = renderHook(() => useStream('/stream', { message: () => {} }))
  unmount()
  see(true)
  act(() => vi.advanceTimersByTime(6000))
  see(false)
  expect(streams).toHaveLength(1)
  expect(open()).toHaveLength(0)
})
