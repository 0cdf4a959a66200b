import { Boxes, type LucideIcon, Settings } from 'lucide-react'
import type { words } from './words'

type Key = keyof (typeof words)['en']

/** The places of the main navigation, in order; `keys` reach them from anywhere. */
export const PLACES: readonly { to: string; label: Key; icon: LucideIcon; keys: string }[] = [
  { to: '/applications', label: 'applications', icon: Boxes, keys: 'g a' },
  { to: '/settings', label: 'settings', icon: Settings, keys: 'g s' },
]
