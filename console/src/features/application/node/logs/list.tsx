import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ChevronDown, ChevronRight } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { Button } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { LogChoice } from './choice'
import { highlight, type LineFilter, type LogBlock, type LogLine, levelOf } from './lines'
import styles from './logs.module.css'
import { words } from './words'

const LINE_PX = 20
/** Nearer to the end than this counts as being there: new lines then keep it in view. */
const AT_END_PX = 40

/** The lines, drawn for the window only; it stays at the newest line until the reader scrolls away. */
export function LogList({
  blocks,
  filter,
  choice,
  isLive,
  onLink,
}: {
  blocks: LogBlock[]
  filter: LineFilter
  choice: LogChoice
  isLive: boolean
  /** Makes the address point at the line of a time; '' at none. */
  onLink: (time: string) => void
}) {
  const say = useWords(words)
  const frame = useRef<HTMLDivElement>(null)
  const [isAtEnd, setAtEnd] = useState(choice.line === '')
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set())
  const many = new Set(blocks.map(({ first }) => first.pod)).size > 1
  const virtual = useVirtualizer({
    count: blocks.length,
    getScrollElement: () => frame.current,
    estimateSize: () => LINE_PX,
    getItemKey: (index) => blocks[index]?.first.id ?? index,
    overscan: 30,
  })
  const wanted = choice.line === '' ? -1 : blocks.findIndex(({ first }) => first.time === choice.line)
  useEffect(() => {
    if (wanted >= 0) virtual.scrollToIndex(wanted, { align: 'center' })
    else if (isAtEnd && blocks.length > 0) virtual.scrollToIndex(blocks.length - 1, { align: 'end' })
  }, [blocks.length, isAtEnd, wanted, virtual])
  const toggle = (id: number) =>
    setOpen((before) => new Set(before.has(id) ? [...before].filter((each) => each !== id) : [...before, id]))
  return (
    <div className={styles['frame']}>
      <div
        ref={frame}
        role="log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by keyboard.
        tabIndex={0}
        aria-label={say('logs')}
        aria-live={isLive ? 'polite' : 'off'}
        className={`${styles['lines']} ${choice.wraps ? styles['wraps'] : ''}`}
        onScroll={({ currentTarget: at }) => setAtEnd(at.scrollHeight - at.scrollTop - at.clientHeight < AT_END_PX)}
      >
        <div className={styles['all']} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const block = blocks[item.index]
            if (!block) return null
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className={styles['block']}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Line
                  line={block.first}
                  filter={filter}
                  choice={choice}
                  showsPod={many}
                  isWanted={item.index === wanted}
                  onLink={onLink}
                />
                {block.rest.length > 0 && (
                  <button
                    type="button"
                    className={styles['trace']}
                    aria-expanded={open.has(block.first.id)}
                    onClick={() => toggle(block.first.id)}
                  >
                    {open.has(block.first.id) ? (
                      <ChevronDown size={14} aria-hidden />
                    ) : (
                      <ChevronRight size={14} aria-hidden />
                    )}
                    {open.has(block.first.id) ? say('trace-close') : say('trace-open', { n: block.rest.length })}
                  </button>
                )}
                {open.has(block.first.id) &&
                  block.rest.map((line) => (
                    <Line
                      key={line.id}
                      line={line}
                      filter={filter}
                      choice={choice}
                      showsPod={false}
                      isWanted={line.time === choice.line}
                      onLink={onLink}
                    />
                  ))}
              </div>
            )
          })}
        </div>
      </div>
      {!isAtEnd && blocks.length > 0 && (
        <Button className={styles['newest']} onClick={() => setAtEnd(true)}>
          <ArrowDown size={14} aria-hidden /> {say('newest')}
        </Button>
      )}
    </div>
  )
}

function Line({
  line,
  filter,
  choice,
  showsPod,
  isWanted,
  onLink,
}: {
  line: LogLine
  filter: LineFilter
  choice: LogChoice
  showsPod: boolean
  isWanted: boolean
  onLink: (time: string) => void
}) {
  const say = useWords(words)
  return (
    <div className={`${styles['line']} ${styles[levelOf(line.text)]} ${isWanted ? styles['wanted'] : ''}`}>
      {choice.showsTimes && (
        <button
          type="button"
          className={styles['time']}
          aria-pressed={isWanted}
          title={say('link')}
          onClick={() => onLink(isWanted ? '' : line.time)}
        >
          <time dateTime={line.time}>{line.time.slice(0, 23)}</time>
        </button>
      )}
      {showsPod && <span className={styles['pod']}>{line.pod}</span>}
      <span className={styles['text']}>
        {highlight(line.text, filter).map((part, index) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: parts of one line never move.
          index % 2 === 1 ? <mark key={index}>{part}</mark> : part,
        )}
      </span>
    </div>
  )
}
