import { Bookmark, Link2, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { Button, IconButton, Popover, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type ListState, writeState } from './state'
import styles from './toolbar.module.css'
import { dropView, saveView, useViews } from './views'
import { words } from './words'

/** Lists with names: to go to one, to name this one, to share it. */
export function ViewMenu({ state }: { state: ListState }) {
  const say = useWords(words)
  return (
    <Popover
      label={say('views')}
      aria-label={say('views')}
      button={
        <>
          <Bookmark size={16} aria-hidden /> <span className={styles['wide']}>{say('views')}</span>
        </>
      }
    >
      {(close) => <Views state={state} close={close} />}
    </Popover>
  )
}

function Views({ state, close }: { state: ListState; close: () => void }) {
  const say = useWords(words)
  const notes = useNotes()
  const views = useViews()
  const [name, setName] = useState('')
  const save = () => {
    if (!name.trim()) return
    saveView({ name: name.trim(), search: writeState(state).toString() })
    setName('')
  }
  const share = async () => {
    await navigator.clipboard.writeText(`${window.location.origin}/applications?${writeState(state)}`)
    notes.said(say('view-copied'))
    close()
  }
  return (
    <>
      {views.length === 0 && <p className={styles['about']}>{say('views-none')}</p>}
      {views.map((view) => (
        <div key={view.name} className={styles['view']}>
          <Link to={`/applications?${view.search}`} onClick={close}>
            {view.name}
          </Link>
          <IconButton label={say('view-drop', { name: view.name })} onClick={() => dropView(view.name)}>
            <Trash2 size={14} aria-hidden />
          </IconButton>
        </div>
      ))}
      <form
        className={styles['save']}
        onSubmit={(event) => {
          event.preventDefault()
          save()
        }}
      >
        <input
          type="text"
          aria-label={say('view-name')}
          placeholder={say('view-name')}
          maxLength={60}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Button type="submit">{say('view-save')}</Button>
      </form>
      <Button look="quiet" onClick={() => void share().catch(notes.failed)}>
        <Link2 size={16} aria-hidden /> {say('view-link')}
      </Button>
    </>
  )
}
