/** The drawing made small enough for a corner: each axis by a scale of its own, so that a tall column has a width. Pure. */
import { type Area, type Box, type Drawing, NODE } from './layout'
import type { Size } from './view'

export interface Scaled extends Size {
  /** Screen = place * scale, along each axis. */
  scale: Box
}

const ROOM = { width: 168, height: 120 }
const LEAST_PX = 48
/** A tall drawing has so much of the frame's height: the taller the map, the nearer a click comes. */
const TALL = { share: 0.6, most: 360 }
/** What is in sight stays to be seen and pressed, however large the drawing. */
const LEAST_SIGHT_PX = 5
/** The later ones are drawn above the others: what is ill is seen among thousands. */
const TONES = ['plain', 'good', 'idle', 'busy', 'warn', 'bad']
const LOUD = new Set(['busy', 'warn', 'bad'])
const LEAST_LOUD_PX = 3

export function mapOf(drawing: Size, frame: Size): Scaled {
  const even = Math.min(ROOM.width / drawing.width, ROOM.height / drawing.height)
  const isTall = drawing.width * even < LEAST_PX
  const width = Math.max(LEAST_PX, drawing.width * even)
  const height = isTall
    ? Math.max(ROOM.height, Math.min(TALL.most, frame.height * TALL.share))
    : Math.max(LEAST_PX, drawing.height * even)
  return { width, height, scale: { x: width / drawing.width, y: height / drawing.height } }
}

/** The place of the drawing at a point of the map; of a point beside it, the nearest. */
export function placeAt(point: Box, map: Scaled): Box {
  const within = (value: number, most: number) => Math.min(Math.max(value, 0), most)
  return { x: within(point.x, map.width) / map.scale.x, y: within(point.y, map.height) / map.scale.y }
}

export function areaIn(area: Area, map: Scaled): Area {
  const height = Math.max(LEAST_SIGHT_PX, area.height * map.scale.y)
  const extra = height - area.height * map.scale.y
  return {
    x: area.x * map.scale.x,
    y: area.y * map.scale.y - extra / 2,
    width: area.width * map.scale.x,
    height,
  }
}

/**
 * The rows, by their tones: one path a tone, since thousands of elements would cost more than the drawing itself, and one
 * mark for all of a tone that fall onto the same pixel.
 */
export function pathsOf(tones: readonly string[], drawing: Drawing, map: Scaled): [string, string][] {
  const marks = new Map<string, Set<string>>(TONES.map((tone) => [tone, new Set()]))
  const width = round(NODE.width * map.scale.x)
  drawing.boxes.forEach((box, index) => {
    const tone = tones[index] ?? 'plain'
    const least = LOUD.has(tone) ? LEAST_LOUD_PX : 1
    const height = Math.max(least, round(NODE.height * map.scale.y))
    const [x, y] = [round(box.x * map.scale.x), box.y * map.scale.y]
    const line = height > least ? round(y) : Math.min(Math.round(y), Math.floor(map.height) - least)
    marks.get(tone)?.add(`M${x} ${line}h${width}v${height}h-${width}z`)
  })
  return [...marks].flatMap(([tone, each]) => (each.size > 0 ? [[tone, [...each].join('')] as [string, string]] : []))
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
