import { type PointerEvent, useMemo } from 'react'
import { toneOf } from '@/shared/ui'
import { healthWord } from './card'
import type { Row } from './folding'
import type { Area, Box, Drawing } from './layout'
import { areaIn, mapOf, pathsOf, placeAt } from './map'
import styles from './minimap.module.css'
import type { Size } from './view'

/** All of the drawing in a corner, with what is in sight; a click goes there. For the mouse only: keys walk the tree. */
export function Minimap({
  rows,
  drawing,
  frame,
  area,
  onGo,
}: {
  rows: readonly Row[]
  drawing: Drawing
  frame: Size
  area: Area
  onGo: (to: Box) => void
}) {
  const map = useMemo(() => mapOf(drawing, frame), [drawing, frame])
  const paths = useMemo(() => pathsOf(rows.map(toneIn), drawing, map), [rows, drawing, map])
  const go = (event: PointerEvent<SVGSVGElement>) => {
    if (event.buttons !== 1) return
    event.stopPropagation()
    // So that a drag that leaves the map goes on.
    if (event.type === 'pointerdown') event.currentTarget.setPointerCapture?.(event.pointerId)
    const corner = event.currentTarget.getBoundingClientRect()
    onGo(placeAt({ x: event.clientX - corner.left, y: event.clientY - corner.top }, map))
  }
  return (
    <svg
      className={styles['map']}
      width={map.width}
      height={map.height}
      viewBox={`0 0 ${map.width} ${map.height}`}
      aria-hidden
      onPointerDown={go}
      onPointerMove={go}
    >
      {paths.map(([tone, path]) => (
        <path key={tone} className={styles[tone]} d={path} />
      ))}
      <rect className={styles['sight']} {...areaIn(area, map)} />
    </svg>
  )
}

function toneIn(row: Row): string {
  const word = healthWord(row.branch)
  return word === 'none' ? 'plain' : toneOf(word)
}
