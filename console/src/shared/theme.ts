/** Which colours the reader chose; `public/theme.js` applies the stored choice before the first paint. */
import { useSyncExternalStore } from 'react'

export const THEMES = ['system', 'light', 'dark', 'contrast'] as const
export type Theme = (typeof THEMES)[number]

const STORED = 'haori.theme'
const listeners = new Set<() => void>()
let theme: Theme = THEMES.find((each) => each === document.documentElement.dataset['theme']) ?? 'system'

export function chooseTheme(next: Theme): void {
  theme = next
  if (next === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = next
  try {
    localStorage.setItem(STORED, next)
  } catch {
    // Storage may be forbidden: the choice then lasts as long as the page.
  }
  for (const listener of listeners) listener()
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => theme,
  )
}
