import { vi } from 'vitest'

/** Gives every element a size, since tests have no layout and lists draw only what their frame shows. */
export function giveLayout(width = 800, height = 600): void {
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(height)
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(width)
}
