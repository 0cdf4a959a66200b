/** Which application the page is about, for whatever stands below it. */
import { createContext, useContext } from 'react'
import type { AppRef } from '@/shared/api/types'

export const AppContext = createContext<AppRef | null>(null)

export function useAppRef(): AppRef {
  const app = useContext(AppContext)
  if (!app) throw new Error('useAppRef stands outside of AppContext')
  return app
}
