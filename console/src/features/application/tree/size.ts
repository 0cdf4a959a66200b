import { type RefObject, useLayoutEffect, useState } from 'react'
import type { Size } from './view'

/** Before anything was measured, and where nothing can be (in tests). */
const USUAL: Size = { width: 1000, height: 640 }

/** The room an element has, as it changes. */
export function useSize(element: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>(USUAL)
  useLayoutEffect(() => {
    const current = element.current
    if (!current) return
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = current
      if (width === 0 || height === 0) return
      setSize((before) => (before.width === width && before.height === height ? before : { width, height }))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(current)
    return () => observer.disconnect()
  }, [element])
  return size
}
