import { Maximize, Minus, Plus, SquareArrowUpLeft } from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react'
import { IconButton } from '@/shared/ui'
import { useWords } from '@/shared/words'
import styles from './canvas.module.css'
import { Card } from './card'
import { useGestures } from './gestures'
import { type Box, type Drawing, layOut, linesIn, NODE, rowsIn } from './layout'
import { Minimap } from './minimap'
import type { TreeView } from './rows'
import { useSize } from './size'
import {
  areaOf,
  beginAt,
  canFitWhole,
  centre,
  fitWhole,
  isAllInSight,
  keepInSight,
  pan,
  reveal,
  type Size,
  settle,
  type View,
  zoom,
} from './view'
import { words } from './words'

const AROUND = 200
const STEP = 1.25

/** The tree drawn left to right, as much of it as is in sight. */
export function Canvas({ tree }: { tree: TreeView }) {
  const say = useWords(words)
  const name = useId()
  const frame = useRef<HTMLDivElement>(null)
  const size = useSize(frame)
  const { rows, at } = tree
  const drawing = useMemo(() => layOut(rows), [rows])
  // Until the reader moves it, it is as it fits; afterwards nothing moves it but the reader, unless nothing would be in sight.
  const [moved, setMoved] = useState<Moved | null>(null)
  const first = useRef<View | null>(null)
  first.current ??= beginAt(drawing, size)
  const [sized, setSized] = useState(size)
  if (sized !== size) {
    setSized(size)
    first.current = beginAt(drawing, size)
  }
  const begun = first.current
  const view = useMemo(() => (moved ? viewOf(moved, drawing, size) : begun), [moved, begun, drawing, size])
  const now = useRef(view)
  now.current = view
  const change = (to: (view: View) => View) => {
    now.current = keepInSight(to(now.current), drawing, size)
    setMoved({ view: now.current, drawing, size })
  }
  const gestures = useGestures(frame, {
    pan: (by) => change((before) => pan(before, by, drawing, size)),
    zoom: (factor, place) => change((before) => zoom(before, factor, place)),
  })
  const middle = { x: size.width / 2, y: size.height / 2 }

  const focused = drawing.boxes[at]
  const place = focused ? `${focused.x} ${focused.y}` : ''
  const isFirst = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: `place` says where the focus is; a new drawing alone moves nothing.
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false
      if (at <= 0) return
    }
    if (focused) change((before) => reveal(before, focused, size))
  }, [place])

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const done = tree.onKey(event) || scaleBy(event.key)
    if (!done) return
    event.preventDefault()
    event.stopPropagation()
  }
  const scaleBy = (key: string): boolean => {
    if (key === '+' || key === '=') change((before) => zoom(before, STEP, middle))
    else if (key === '-') change((before) => zoom(before, 1 / STEP, middle))
    else if (key === '0') change(() => fitWhole(drawing, size))
    else return false
    return true
  }
  const go = (to: Box) => change((before) => centre(before, to, drawing, size))

  const area = areaOf(view, size, AROUND)
  const shown = rowsIn(drawing, area)
  const idOf = (index: number) => `${name}-${index}`
  return (
    <div className={styles['whole']}>
      <div
        ref={frame}
        role="tree"
        tabIndex={0}
        aria-label={say('tree')}
        aria-description={say('tree-keys')}
        aria-activedescendant={shown.includes(at) ? idOf(at) : undefined}
        className={styles['frame']}
        onKeyDown={onKeyDown}
        {...gestures}
      >
        <div
          role="presentation"
          className={styles['world']}
          style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}
        >
          <svg className={styles['lines']} width={drawing.width} height={drawing.height} aria-hidden>
            <path d={linesIn(rows, drawing, area)} />
          </svg>
          {shown.map((index) => {
            const row = rows[index]
            const box = drawing.boxes[index]
            if (!row || !box) return null
            return (
              <Card
                key={row.branch.id}
                id={idOf(index)}
                row={row}
                isFocused={index === at}
                isChosen={row.branch.id === tree.chosen && row.branch.id !== ''}
                pulses={tree.pulseOf(row.branch.id)}
                canExpand={tree.canExpand(row.branch)}
                style={{
                  position: 'absolute',
                  transform: `translate(${box.x}px, ${box.y}px)`,
                  width: NODE.width,
                  height: NODE.height,
                }}
                onToggle={() => tree.onToggle(row)}
                onOpen={() => tree.onOpen(row)}
              />
            )
          })}
        </div>
      </div>
      <div className={styles['tools']}>
        <IconButton label={say('zoom-in')} onClick={() => change((before) => zoom(before, STEP, middle))}>
          <Plus size={16} aria-hidden />
        </IconButton>
        <IconButton label={say('zoom-out')} onClick={() => change((before) => zoom(before, 1 / STEP, middle))}>
          <Minus size={16} aria-hidden />
        </IconButton>
        <IconButton
          label={say(canFitWhole(drawing, size) ? 'zoom-fit' : 'zoom-most')}
          onClick={() => change(() => fitWhole(drawing, size))}
        >
          <Maximize size={16} aria-hidden />
        </IconButton>
        <IconButton label={say('zoom-real')} onClick={() => change(() => beginAt(drawing, size))}>
          <SquareArrowUpLeft size={16} aria-hidden />
        </IconButton>
      </div>
      {!isAllInSight(view, drawing, size) && (
        <Minimap rows={rows} drawing={drawing} frame={size} area={areaOf(view, size)} onGo={go} />
      )}
    </div>
  )
}

/** A view the reader chose, and of what. */
interface Moved {
  view: View
  drawing: Drawing
  size: Size
}

function viewOf(moved: Moved, drawing: Drawing, size: Size): View {
  const isSame = moved.drawing === drawing && moved.size === size
  return isSame ? moved.view : settle(moved.view, drawing, size)
}
