import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Bookmark, Link2, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { Button, IconButton, Popover, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type ListState, writeState } from './state'
import styles from './toolbar.module.css'
import {
  dropSharedView,
  dropView,
  SHARED,
  type SharedView,
  saveView,
  shareView,
  useSharedViews,
  useViews,
  type View,
} from './views'
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
  const queries = useQueryClient()
  const own = useViews()
  const shared = useSharedViews()
  const [name, setName] = useState('')
  const [isForAll, setForAll] = useState(false)
  const { mutate: change } = useMutation({
    mutationFn: (ask: () => Promise<unknown>) => ask(),
    onSuccess: () => queries.invalidateQueries({ queryKey: SHARED }),
    onError: notes.failed,
  })
  const save = () => {
    const view = { name: name.trim(), search: writeState(state).toString() }
    if (!view.name) return
    if (isForAll) change(() => shareView(view), { onSuccess: () => setName('') })
    else {
      saveView(view)
      setName('')
    }
  }
  const copyLink = async () => {
    await navigator.clipboard.writeText(`${window.location.origin}/applications?${writeState(state)}`)
    notes.said(say('view-copied'))
    close()
  }
  const isEmpty = own.length === 0 && shared.data?.length === 0
  return (
    <>
      {isEmpty && <p className={styles['about']}>{say('views-none')}</p>}
      <Group
        title={say('views-shared')}
        views={shared.data ?? []}
        onGo={close}
        onDrop={(each) => change(() => dropSharedView(each))}
      />
      {shared.error && <p className={styles['about']}>{say('views-away', { why: shared.error.message })}</p>}
      <Group title={say('views-own')} views={own} onGo={close} onDrop={dropView} />
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
        <label className={styles['for-all']}>
          <input type="checkbox" checked={isForAll} onChange={(event) => setForAll(event.target.checked)} />
          {say('view-share')}
        </label>
      </form>
      <Button look="quiet" onClick={() => void copyLink().catch(notes.failed)}>
        <Link2 size={16} aria-hidden /> {say('view-link')}
      </Button>
    </>
  )
}

function Group({
  title,
  views,
  onGo,
  onDrop,
}: {
  title: string
  views: readonly (View & Partial<SharedView>)[]
  onGo: () => void
  onDrop: (name: string) => void
}) {
  const say = useWords(words)
  if (views.length === 0) return null
  return (
    <section aria-label={title}>
      <p className={styles['about']}>{title}</p>
      {views.map((view) => (
        <div key={view.name} className={styles['view']}>
          <Link to={`/applications?${view.search}`} title={view.by && say('view-by', { who: view.by })} onClick={onGo}>
            {view.name}
          </Link>
          <IconButton label={say('view-drop', { name: view.name })} onClick={() => onDrop(view.name)}>
            <Trash2 size={14} aria-hidden />
          </IconButton>
        </div>
      ))}
    </section>
  )
}
