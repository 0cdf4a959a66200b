import { useMutation, useQueryClient } from '@tanstack/react-query'
import { UserRound } from 'lucide-react'
import { useNavigate } from 'react-router'
import { ask } from '@/shared/api/client'
import { USER, useUser } from '@/shared/api/session'
import { chooseTheme, THEMES, type Theme, useTheme } from '@/shared/theme'
import { Button, Field, Popover, useNotes } from '@/shared/ui'
import { chooseLanguage, type Language, useLanguage, useWords } from '@/shared/words'
import styles from './preferences.module.css'
import { words } from './words'

/** Who is signed in, colours, language, signing out. */
export function Preferences() {
  const say = useWords(words)
  return (
    <Popover label={say('preferences')} button={<UserRound size={18} aria-hidden />} isIcon>
      {() => <Panel />}
    </Popover>
  )
}

function Panel() {
  const say = useWords(words)
  const user = useUser().data
  const theme = useTheme()
  const language = useLanguage()
  const signOut = useSignOut()
  return (
    <div className={styles['panel']}>
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
    </div>
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
