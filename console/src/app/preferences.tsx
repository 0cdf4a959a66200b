import { useMutation, useQueryClient } from '@tanstack/react-query'
import { UserRound } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { ask } from '@/shared/api/client'
import { USER, useUser } from '@/shared/api/session'
import { chooseTheme, THEMES, type Theme, useTheme } from '@/shared/theme'
import { Button, Field, IconButton, useNotes } from '@/shared/ui'
import { chooseLanguage, type Language, useLanguage, useWords } from '@/shared/words'
import styles from './preferences.module.css'
import { words } from './words'

/** Who is signed in, colours, language, signing out. */
export function Preferences() {
  const say = useWords(words)
  const [isOpen, setOpen] = useState(false)
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!isOpen) return
    const onPress = (event: PointerEvent) => {
      if (event.target instanceof Node && !element.current?.contains(event.target)) setOpen(false)
    }
    window.addEventListener('pointerdown', onPress)
    return () => window.removeEventListener('pointerdown', onPress)
  }, [isOpen])
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what the button opened.
    <div ref={element} className={styles['anchor']} onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}>
      <IconButton label={say('preferences')} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <UserRound size={18} aria-hidden />
      </IconButton>
      {isOpen && <Panel />}
    </div>
  )
}

function Panel() {
  const say = useWords(words)
  const user = useUser().data
  const theme = useTheme()
  const language = useLanguage()
  const signOut = useSignOut()
  return (
    <section className={styles['panel']} aria-label={say('preferences')}>
      <p>
        <strong>{user?.username}</strong>
        <br />
        <span className={styles['groups']}>{user?.groups?.join(', ')}</span>
      </p>
      <Field label={say('theme')}>
        <select value={theme} onChange={(event) => chooseTheme(event.target.value as Theme)}>
          {THEMES.map((each) => (
            <option key={each} value={each}>
              {say(`theme-${each}`)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={say('language')}>
        <select value={language} onChange={(event) => chooseLanguage(event.target.value as Language)}>
          <option value="en">English</option>
          <option value="ja">日本語</option>
        </select>
      </Field>
      <Button onClick={() => signOut.mutate()}>{say('sign-out')}</Button>
    </section>
  )
}

function useSignOut() {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const notes = useNotes()
  return useMutation({
    mutationFn: () => ask('/api/v1/session', { method: 'DELETE' }),
    onSuccess: async () => {
      queries.clear()
      await queries.invalidateQueries({ queryKey: USER })
      await navigate('/sign-in')
    },
    onError: notes.failed,
  })
}
