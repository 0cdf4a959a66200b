/** What part of a drawing is in sight: it is moved and scaled, screen = place * scale + offset. Pure. */
import { type Area, type Box, type Drawing, NODE, rowsIn } from './layout'

export interface View extends Box {
  scale: number
}

export interface Size {
  width: number
  height: number
}

export const SCALES = { least: 0.15, most: 2, readable: 0.7 }
const MARGIN = 24

/** At this scale all of it is in sight. */
function wholeScale(content: Size, frame: Size): number {
  return Math.min(
    (frame.width - 2 * MARGIN) / Math.max(1, content.width),
    (frame.height - 2 * MARGIN) / Math.max(1, content.height),
    1,
  )
}

/** All of it if it stays readable, else its beginning. */
export function beginAt(content: Size, frame: Size): View {
  const scale = Math.max(wholeScale(content, frame), SCALES.readable)
  const y = content.height * scale < frame.height ? Math.min((frame.height - content.height * scale) / 2, 96) : MARGIN
  return { x: MARGIN, y, scale }
}

/** All of it; of one that is too large for that, as much from its beginning as the least scale shows. */
export function fitWhole(content: Size, frame: Size): View {
  return { x: MARGIN, y: MARGIN, scale: clampScale(wholeScale(content, frame)) }
}

export function canFitWhole(content: Size, frame: Size): boolean {
  return wholeScale(content, frame) >= SCALES.least
}

function clampScale(scale: number): number {
  return Math.min(SCALES.most, Math.max(SCALES.least, scale))
}

/** Larger or smaller around a point of the screen, which stays where it is. */
export function zoom(view: View, factor: number, at: Box): View {
  const scale = clampScale(view.scale * factor)
  const by = scale / view.scale
  return { x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by, scale }
}

/** Moved, but never so far that nothing of the drawing is left in sight. */
export function pan(view: View, by: Box, content: Size, frame: Size): View {
  return keepInSight({ ...view, x: view.x + by.x, y: view.y + by.y }, content, frame)
}

const LEFT_OVER = 80

export function keepInSight(view: View, content: Size, frame: Size): View {
  const bound = (offset: number, length: number, room: number) =>
    Math.min(Math.max(offset, LEFT_OVER - length * view.scale), room - LEFT_OVER)
  return {
    ...view,
    x: bound(view.x, content.width, frame.width),
    y: bound(view.y, content.height, frame.height),
  }
}

/** Moved as a page scrolls: no farther than its ends. */
export function scrollTo(view: View, content: Size, frame: Size): View {
  const bound = (offset: number, length: number, room: number) =>
    Math.min(Math.max(offset, Math.min(MARGIN, room - MARGIN - length * view.scale)), MARGIN)
  return {
    ...view,
    x: bound(view.x, content.width, frame.width),
    y: bound(view.y, content.height, frame.height),
  }
}

/** The view of another drawing or in another window: as it was while that shows something, else where something is. */
export function settle(view: View, drawing: Drawing, frame: Size): View {
  const isSomewhere = (each: View) => rowsIn(drawing, areaOf(each, frame)).length > 0
  const kept = keepInSight(view, drawing, frame)
  if (kept.x === view.x && kept.y === view.y && isSomewhere(view)) return view
  const scrolled = scrollTo(view, drawing, frame)
  if (isSomewhere(scrolled)) return scrolled
  const top = areaOf(scrolled, frame).y
  const box = drawing.boxes.find((each) => each.y >= top) ?? drawing.boxes[0]
  return box ? reveal(scrolled, box, frame) : scrolled
}

export function isAllInSight(view: View, content: Size, frame: Size): boolean {
  return (
    view.x >= 0 &&
    view.y >= 0 &&
    view.x + content.width * view.scale <= frame.width &&
    view.y + content.height * view.scale <= frame.height
  )
}

/** The place in the middle of the frame, as far as the drawing's ends let it be. */
export function centre(view: View, place: Box, content: Size, frame: Size): View {
  const x = frame.width / 2 - place.x * view.scale
  const y = frame.height / 2 - place.y * view.scale
  return scrollTo({ ...view, x, y }, content, frame)
}

/** The least move that brings a node wholly into sight. */
export function reveal(view: View, box: Box, frame: Size): View {
  const move = (offset: number, place: number, length: number, room: number) => {
    const begin = place * view.scale + offset
    const end = begin + length * view.scale
    if (begin < MARGIN) return offset + (MARGIN - begin)
    if (end > room - MARGIN) return offset - Math.min(end - (room - MARGIN), begin - MARGIN)
    return offset
  }
  const x = move(view.x, box.x, NODE.width, frame.width)
  const y = move(view.y, box.y, NODE.height, frame.height)
  return x === view.x && y === view.y ? view : { ...view, x, y }
}

/** The part of the drawing that is in sight, with some more around it. */
export function areaOf(view: View, frame: Size, more = 0): Area {
  return {
    x: -view.x / view.scale - more,
    y: -view.y / view.scale - more,
    width: frame.width / view.scale + 2 * more,
    height: frame.height / view.scale + 2 * more,
  }
}
