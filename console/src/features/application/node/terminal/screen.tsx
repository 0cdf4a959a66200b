import '@xterm/xterm/css/xterm.css'
import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import { useEffect, useRef } from 'react'
import { withSheets } from './sheets'
import { openLine, type TerminalPlace, terminalUrl } from './socket'
import styles from './terminal.module.css'

/** The screen of one shell; it begins when shown and ends when it goes away. Loaded when the first terminal is opened. */
export default function Screen({
  place,
  label,
  onOpen,
  onEnd,
}: {
  place: TerminalPlace
  label: string
  onOpen: () => void
  onEnd: (wasOpen: boolean) => void
}) {
  const frame = useRef<HTMLDivElement>(null)
  const latest = useRef({ onOpen, onEnd })
  latest.current = { onOpen, onEnd }
  const url = terminalUrl(place, window.location)
  useEffect(() => {
    if (!frame.current) return
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
    const terminal = new Terminal({
      screenReaderMode: true,
      fontSize: 13,
      convertEol: true,
      theme: {
        background: colour('--surface-2'),
        foreground: colour('--ink'),
        cursor: colour('--accent'),
        selectionBackground: colour('--accent-soft'),
      },
    })
    const fit = new FitAddon()
    terminal.loadAddon(fit)
    const element = frame.current
    withSheets(document, () => terminal.open(element))
    fit.fit()
    const line = openLine(url, {
      onOpen: () => {
        line.resize(terminal.cols, terminal.rows)
        terminal.focus()
        latest.current.onOpen()
      },
      onOutput: (text) => terminal.write(text),
      onEnd: (wasOpen) => latest.current.onEnd(wasOpen),
    })
    const typed = terminal.onData(line.type)
    const resized = terminal.onResize(({ cols, rows }) => line.resize(cols, rows))
    const watch = new ResizeObserver(() => fit.fit())
    watch.observe(frame.current)
    return () => {
      watch.disconnect()
      typed.dispose()
      resized.dispose()
      line.close()
      terminal.dispose()
    }
  }, [url])
  return <section ref={frame} className={styles['screen']} aria-label={label} />
}
