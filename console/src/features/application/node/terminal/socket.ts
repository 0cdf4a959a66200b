/**
 * The WebSocket of a terminal, as Argo CD's page speaks it: JSON messages `{operation: stdin | resize | stdout}`
 * (docs/http-api.md). A refusal comes before the socket is open and looks like any other end; `wasOpen` tells them apart.
 */
import { urlOf } from '@/shared/api/client'

export interface TerminalPlace {
  pod: string
  container: string
  namespace: string
  appName: string
  appNamespace: string
  projectName: string
}

export interface TerminalEvents {
  onOpen: () => void
  onOutput: (text: string) => void
  onEnd: (wasOpen: boolean) => void
}

/** A line to one shell. */
export interface TerminalLine {
  type: (text: string) => void
  resize: (cols: number, rows: number) => void
  close: () => void
}

export function terminalUrl(place: TerminalPlace, at: { protocol: string; host: string }): string {
  const scheme = at.protocol === 'https:' ? 'wss' : 'ws'
  return `${scheme}://${at.host}${urlOf('/terminal', { ...place })}`
}

/** What a message says to the screen; empty for what is not output. */
export function outputOf(message: string): string {
  const told = JSON.parse(message) as { operation?: string; data?: string }
  return told.operation === 'stdout' ? (told.data ?? '') : ''
}

export function openLine(url: string, events: TerminalEvents): TerminalLine {
  const socket = new WebSocket(url)
  let wasOpen = false
  const send = (message: Record<string, unknown>) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
  }
  socket.onopen = () => {
    wasOpen = true
    events.onOpen()
  }
  socket.onmessage = ({ data }) => events.onOutput(outputOf(String(data)))
  socket.onclose = () => events.onEnd(wasOpen)
  return {
    type: (data) => send({ operation: 'stdin', data }),
    resize: (cols, rows) => send({ operation: 'resize', cols, rows }),
    close: () => {
      socket.onclose = null
      socket.close()
    },
  }
}
