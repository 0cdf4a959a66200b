/** Moving and scaling by mouse, trackpad and fingers. */
import { type PointerEvent, type RefObject, useEffect, useRef } from 'react'
import type { Box } from './layout'

export interface Moves {
  pan: (by: Box) => void
  zoom: (factor: number, at: Box) => void
}

/** So far a pointer may wander and still be a click. */
const STILL_PX = 4
const WHEEL_SPEED = 0.0022

/** Handlers for the frame; `wasDrag` tells whether the click that follows was the end of a move. */
export function useGestures(frame: RefObject<HTMLElement | null>, moves: Moves) {
  const latest = useRef(moves)
  latest.current = moves
  const pointers = useRef(new Map<number, Box>())
  const wandered = useRef(0)
  const isDrag = () => wandered.current > STILL_PX

  useEffect(() => {
    const current = frame.current
    if (!current) return
    // React's own handler is passive: it could not keep the page from scrolling or scaling.
    const onWheel = (event: WheelEvent) => {
      event.preventDefault()
      if (event.ctrlKey || event.metaKey) {
        latest.current.zoom(Math.exp(-event.deltaY * WHEEL_SPEED * 2.5), placeIn(current, event))
      } else if (event.shiftKey) {
        latest.current.pan({ x: -event.deltaY - event.deltaX, y: 0 })
      } else latest.current.pan({ x: -event.deltaX, y: -event.deltaY })
    }
    current.addEventListener('wheel', onWheel, { passive: false })
    return () => current.removeEventListener('wheel', onWheel)
  }, [frame])

  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return
    if (pointers.current.size === 0) wandered.current = 0
    pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY })
  }
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const before = pointers.current.get(event.pointerId)
    if (!before) return
    const now = { x: event.clientX, y: event.clientY }
    const others = [...pointers.current].filter(([id]) => id !== event.pointerId)
    pointers.current.set(event.pointerId, now)
    wandered.current += Math.abs(now.x - before.x) + Math.abs(now.y - before.y)
    if (!isDrag()) return
    // Taken only now: a capture on pressing would take the click away from what was pressed.
    event.currentTarget.setPointerCapture?.(event.pointerId)
    const other = others[0]?.[1]
    if (!other) return latest.current.pan({ x: now.x - before.x, y: now.y - before.y })
    const spread = (at: Box) => Math.hypot(at.x - other.x, at.y - other.y)
    const corner = event.currentTarget.getBoundingClientRect()
    const middle = { x: (now.x + other.x) / 2 - corner.left, y: (now.y + other.y) / 2 - corner.top }
    latest.current.zoom(spread(now) / Math.max(1, spread(before)), middle)
  }
  const onPointerUp = (event: PointerEvent<HTMLElement>) => {
    pointers.current.delete(event.pointerId)
  }
  const onClickCapture = (event: { stopPropagation: () => void }) => {
    if (isDrag()) event.stopPropagation()
    wandered.current = 0
  }
  return { onPointerDown, onPointerMove, onPointerUp, onPointerCancel: onPointerUp, onClickCapture }
}

function placeIn(element: HTMLElement, event: { clientX: number; clientY: number }): Box {
  const corner = element.getBoundingClientRect()
  return { x: event.clientX - corner.left, y: event.clientY - corner.top }
}
