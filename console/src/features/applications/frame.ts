/** Where the list stands inside the page that scrolls it. */
import { type RefObject, useLayoutEffect, useState } from 'react'

export interface Frame {
  scroller: HTMLElement | null
  /** From the top of what scrolls to the top of the list. */
  margin: number
  width: number
}

/** The nearest element around `element` that scrolls. */
export function scrollerOf(element: HTMLElement): HTMLElement {
  for (let each = element.parentElement; each; each = each.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(each).overflowY)) return each
  }
  return document.documentElement
}

/** The frame of an element, measured anew whenever it or what stands above it changes its size. */
export function useFrame(element: RefObject<HTMLElement | null>): Frame {
  const [frame, setFrame] = useState<Frame>({ scroller: null, margin: 0, width: 0 })
  useLayoutEffect(() => {
    const list = element.current
    if (!list) return
    const scroller = scrollerOf(list)
    const measure = () => {
      const top = list.getBoundingClientRect().top - scroller.getBoundingClientRect().top
      const margin = Math.round(top + scroller.scrollTop)
      const width = list.clientWidth
      setFrame((before) =>
        before.scroller === scroller && before.margin === margin && before.width === width
          ? before
          : { scroller, margin, width },
      )
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(list)
    for (const each of scroller.querySelectorAll('main > *')) observer.observe(each)
    return () => observer.disconnect()
  }, [element])
  return frame
}
