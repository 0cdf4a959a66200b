import { afterEach, expect, it, vi } from 'vitest'
import { openLine, outputOf, terminalUrl } from './socket'

const place = {
  pod: 'web-1',
  container: 'app',
  namespace: 'shop',
  appName: 'shop',
  appNamespace: 'argocd',
  projectName: 'default',
}

it.each([
  [
    'http:',
    'ws://haori.localhost:1/terminal?pod=web-1&container=app&namespace=shop&appName=shop&appNamespace=argocd&projectName=default',
  ],
  [
    'https:',
    'wss://haori.localhost:1/terminal?pod=web-1&container=app&namespace=shop&appName=shop&appNamespace=argocd&projectName=default',
  ],
])('speaks the scheme of %s', (protocol, url) =>
  expect(terminalUrl(place, { protocol, host: 'haori.localhost:1' })).toBe(url),
)

it('shows output and nothing else', () => {
  expect(outputOf('{"operation":"stdout","data":"hi"}')).toBe('hi')
  expect(outputOf('{"operation":"ping","data":"x"}')).toBe('')
})

class Socket {
  static readonly OPEN = 1
  static last: Socket
  readyState = 0
  sent: string[] = []
  closed = false
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: (() => void) | null = null
  constructor(readonly url: string) {
    Socket.last = this
  }
  send(text: string) {
    this.sent.push(text)
  }
  close() {
    this.closed = true
    this.onclose?.()
  }
}

afterEach(() => vi.unstubAllGlobals())

function open() {
  vi.stubGlobal('WebSocket', Socket)
  const events = { onOpen: vi.fn(), onOutput: vi.fn(), onEnd: vi.fn() }
  return { line: openLine('ws://x', events), events, socket: Socket.last }
}

it('types, resizes and tells what comes', () => {
  const { line, events, socket } = open()
  line.type('too early')
  socket.readyState = 1
  socket.onopen?.()
  line.type('ls\r')
  line.resize(80, 24)
  socket.onmessage?.({ data: '{"operation":"stdout","data":"bin"}' })
  expect(socket.sent.map((each) => JSON.parse(each))).toEqual([
    { operation: 'stdin', data: 'ls\r' },
    { operation: 'resize', cols: 80, rows: 24 },
  ])
  expect(events.onOutput).toHaveBeenCalledWith('bin')
})

it('tells a refusal from an end', () => {
  const refused = open()
  refused.socket.onclose?.()
  expect(refused.events.onEnd).toHaveBeenCalledWith(false)
  const ended = open()
  ended.socket.onopen?.()
  ended.socket.onclose?.()
  expect(ended.events.onEnd).toHaveBeenCalledWith(true)
})

it('ends silently when the page leaves it', () => {
  const { line, events, socket } = open()
  line.close()
  expect([socket.closed, events.onEnd.mock.calls.length]).toEqual([true, 0])
})
