import { Keyboard, Search } from 'lucide-react'
import { useRef, useState } from 'react'
import { Navigate, NavLink, Outlet, useLocation, useNavigate } from 'react-router'
import { useUser } from '@/shared/api/session'
import { useCommands, useKeyboard } from '@/shared/commands'
import { chooseTheme, THEMES } from '@/shared/theme'
import { Failure, IconButton, Loading, Notes } from '@/shared/ui'
import { chooseLanguage, useLanguage, useWords } from '@/shared/words'
import { ExportMenu } from './export-menu'
import { KeyList } from './key-list'
import { PLACES } from './navigation'
import { Palette } from './palette'
import { Preferences } from './preferences'
import styles from './shell.module.css'
import { Standings } from './standings'
import { words } from './words'

/** What stands around every page: navigation, search, preferences, notes. Nobody sees it before they are signed in. */
export function Shell() {
  const user = useUser()
  const place = useLocation()
  // While it is asked again nothing is known of the last failure, and the page would flicker.
  const failure = useRef<unknown>(null)
  failure.current = user.error ?? failure.current
  if (user.data?.loggedIn) return <Frame />
  if (user.data) return <Navigate to={`/sign-in?to=${encodeURIComponent(place.pathname + place.search)}`} replace />
  if (failure.current === null) return <Loading />
  return <Failure error={failure.current} onRetry={() => void user.refetch()} />
}

function Frame() {
  const say = useWords(words)
  const [open, setOpen] = useState<'palette' | 'keys' | null>(null)
  useShellCommands(setOpen)
  useKeyboard()
  return (
    <div className={styles['frame']}>
      <a href="#main" className={styles['skip']}>
        {say('skip')}
      </a>
      <header className={styles['bar']}>
        <NavLink to="/applications" className={styles['brand']} aria-label="Haori">
          <img src="/icon.svg" alt="" width={24} height={24} />
          <span>Haori</span>
        </NavLink>
        <button type="button" className={styles['find']} onClick={() => setOpen('palette')}>
          <Search size={16} aria-hidden />
          <span>{say('palette')}</span>
          <kbd>Ctrl K</kbd>
        </button>
        <IconButton label={say('keys')} onClick={() => setOpen('keys')}>
          <Keyboard size={18} aria-hidden />
        </IconButton>
        <ExportMenu />
        <Preferences />
      </header>
      <nav className={styles['places']} aria-label={say('navigation')}>
        {PLACES.map(({ to, label, icon: Icon }) => (
          <NavLink key={to} to={to} className={styles['place']} title={say(label)}>
            <Icon size={18} aria-hidden />
            <span>{say(label)}</span>
          </NavLink>
        ))}
      </nav>
      <div className={styles['content']}>
        <Outlet />
      </div>
      <Standings />
      {open === 'palette' && <Palette onClose={() => setOpen(null)} />}
      {open === 'keys' && <KeyList onClose={() => setOpen(null)} />}
      <Notes />
    </div>
  )
}

function useShellCommands(open: (what: 'palette' | 'keys') => void): void {
  const say = useWords(words)
  const navigate = useNavigate()
  const language = useLanguage()
  useCommands([
    { id: 'palette', title: say('palette'), group: say('go'), keys: 'mod+k', run: () => open('palette') },
    { id: 'keys', title: say('keys-title'), group: say('go'), keys: '?', run: () => open('keys') },
    ...PLACES.map((place) => ({
      id: `go ${place.to}`,
      title: say(place.label),
      group: say('go'),
      keys: place.keys,
      run: () => void navigate(place.to),
    })),
    ...THEMES.map((theme) => ({
      id: `theme ${theme}`,
      title: `${say('theme')}: ${say(`theme-${theme}`)}`,
      group: say('view'),
      run: () => chooseTheme(theme),
    })),
    {
      id: 'language',
      title: language === 'en' ? '日本語' : 'English',
      group: say('view'),
      run: () => chooseLanguage(language === 'en' ? 'ja' : 'en'),
    },
  ])
}
