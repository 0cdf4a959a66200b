import { type PointerEvent, useMemo } from 'react'
import { toneOf } from '@/shared/ui'
import { healthWord } from './card'
import type { Row } from './folding'
import { type Area, type Box, type Drawing, NODE } from './layout'
import styles from './minimap.module.css'

const ROOM = { width: 168, height: 120 }

/** All of the drawing in a corner, with what is in sight; a click goes there. For the mouse only: keys walk the tree. */
export function Minimap({
  rows,
  drawing,
  area,
  onGo,
}: {
  rows: readonly Row[]
  drawing: Drawing
  area: Area
  onGo: (to: Box) => void
}) {
  const scale = Math.min(ROOM.width / drawing.width, ROOM.height / drawing.height)
  // One path a tone: thousands of elements would cost more than the drawing itself.
  const paths = useMemo(() => pathsOf(rows, drawing), [rows, drawing])
  const go = (event: PointerEvent<SVGSVGElement>) => {
    if (event.buttons !== 1) return
    event.stopPropagation()
    const corner = event.currentTarget.getBoundingClientRect()
    onGo({ x: (event.clientX - corner.left) / scale, y: (event.clientY - corner.top) / scale })
  }
  return (
    <svg
      className={styles['map']}
      width={drawing.width * scale}
      height={drawing.height * scale}
      viewBox={`0 0 ${drawing.width} ${drawing.height}`}
      aria-hidden
      onPointerDown={go}
      onPointerMove={go}
    >
      {Object.entries(paths).map(([tone, path]) => (
        <path key={tone} className={styles[tone]} d={path} />
      ))}
      <rect className={styles['sight']} x={area.x} y={area.y} width={area.width} height={area.height} />
    </svg>
  )
}

function pathsOf(rows: readonly Row[], drawing: Drawing): Record<string, string> {
  const parts: Record<string, string[]> = {}
  rows.forEach((row, index) => {
    const box = drawing.boxes[index]
    if (!box) return
    const word = healthWord(row.branch)
    const tone = word === 'none' ? 'plain' : toneOf(word)
    parts[tone] ??= []
    parts[tone].push(`M${box.x} ${box.y}h${NODE.width}v${NODE.height}h-${NODE.width}z`)
  })
  return Object.fromEntries(Object.entries(parts).map(([tone, each]) => [tone, each.join('')]))
}
