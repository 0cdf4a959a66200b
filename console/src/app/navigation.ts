import { Activity, Boxes, Columns3, type LucideIcon, ScrollText, Search, Server, Settings } from 'lucide-react'
import type { words } from './words'

type Key = keyof (typeof words)['en']

/** The places of the main navigation, in order; `keys` reach them from anywhere. */
export const PLACES: readonly { to: string; label: Key; icon: LucideIcon; keys: string }[] = [
  { to: '/applications', label: 'applications', icon: Boxes, keys: 'g a' },
  { to: '/board', label: 'board', icon: Columns3, keys: 'g b' },
  { to: '/search', label: 'search', icon: Search, keys: 'g f' },
  { to: '/clusters', label: 'clusters', icon: Server, keys: 'g c' },
  { to: '/engine', label: 'engine', icon: Activity, keys: 'g e' },
  { to: '/audit', label: 'audit', icon: ScrollText, keys: 'g u' },
  { to: '/settings', label: 'settings', icon: Settings, keys: 'g s' },
]
