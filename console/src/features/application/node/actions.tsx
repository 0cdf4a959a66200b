import { useId, useState } from 'react'
import type { AppRef } from '@/shared/api/types'
import { Button, CommandHint, Dialog, Empty, Field, Loaded, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import type { Node } from '../nodes'
import { objectText } from '../objects'
import { useMayHere } from '../queries'
import { useSelection } from '../selection'
import { type Action, type Removal, useActions, useRemove, useRun } from './api'
import { commandOf, removalOf } from './commands'
import styles from './panel.module.css'
import { words } from './words'

/** What can be done to the object itself: the actions of its kind, and its deletion. */
export function NodeActions({ app, application, node }: { app: AppRef; application: Application; node: Node }) {
  const say = useWords(words)
  const actions = useActions(app, node)
  return (
    <div className={styles['actions']}>
      <Loaded query={actions}>
        {(found) =>
          found.length === 0 ? (
            <Empty title={say('actions-none')} />
          ) : (
            found.map((action) => (
              <OneAction key={action.name} app={app} application={application} node={node} action={action} />
            ))
          )
        }
      </Loaded>
      <Deletion app={app} application={application} node={node} />
    </div>
  )
}

interface Place {
  app: AppRef
  application: Application
  node: Node
}

function OneAction({ app, application, node, action }: Place & { action: Action }) {
  const say = useWords(words)
  const notes = useNotes()
  const run = useRun(app, node)
  const title = action.displayName || action.name
  const { may, permission } = useMayHere(application, `action/${node.group}/${node.kind}/${action.name}`)
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries((action.params ?? []).map((each) => [each.name, each.default ?? ''])),
  )
  const reason =
    may === false
      ? say('lacks', { permission })
      : action.disabled
        ? say('not-now')
        : run.isPending
          ? say('busy')
          : undefined
  const go = () =>
    run.mutate(
      { action: action.name, values },
      { onSuccess: () => notes.said(say('did', { action: title, object: objectText(node) })), onError: notes.failed },
    )
  const api = `POST /api/v1/applications/${app.name}/resource/actions/v2 {"action": "${action.name}", …}`
  return (
    <form
      className={styles['action']}
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault()
        if (!reason) go()
      }}
    >
      <div className={styles['action-head']}>
        <strong>{title}</strong>
        {(action.params ?? []).map((each) => (
          <label key={each.name} className={styles['parameter']}>
            {each.name}
            <input
              type={each.type === 'number' ? 'number' : 'text'}
              min={each.type === 'number' ? 0 : undefined}
              value={values[each.name] ?? ''}
              onChange={(event) => setValues({ ...values, [each.name]: event.target.value })}
            />
          </label>
        ))}
        <Button reason={reason} onClick={go}>
          {say('do')}
        </Button>
      </div>
      {reason && <p className={styles['quiet']}>{reason}</p>}
      <CommandHint cli={commandOf(node, action.name, values) ?? `curl -X ${api.replace(/ \{.*/, '')}`} api={api} />
    </form>
  )
}

const REMOVALS: readonly Removal[] = ['foreground', 'background', 'orphan']

function Deletion({ app, application, node }: Place) {
  const say = useWords(words)
  const [isOpen, setOpen] = useState(false)
  const { may, permission } = useMayHere(
    application,
    `delete/${node.group}/${node.kind}/${node.namespace}/${node.name}`,
  )
  const reason = may === false ? say('lacks', { permission }) : undefined
  return (
    <div className={styles['action']}>
      <div className={styles['action-head']}>
        <strong>{say('delete')}</strong>
        <Button look="danger" reason={reason} onClick={() => setOpen(true)}>
          {say('delete-ask')}
        </Button>
      </div>
      <p className={styles['quiet']}>{reason ?? say(node.sync === null ? 'delete-owned' : 'delete-declared')}</p>
      {isOpen && <DeleteDialog app={app} node={node} onClose={() => setOpen(false)} />}
    </div>
  )
}

function DeleteDialog({ app, node, onClose }: { app: AppRef; node: Node; onClose: () => void }) {
  const say = useWords(words)
  const notes = useNotes()
  const selection = useSelection()
  const remove = useRemove(app, node)
  const [how, setHow] = useState<Removal>('foreground')
  const [typed, setTyped] = useState('')
  const name = useId()
  const reason =
    typed !== node.name ? say('type-name', { name: node.name }) : remove.isPending ? say('busy') : undefined
  const go = () =>
    remove.mutate(how, {
      onSuccess: () => {
        notes.said(say('deleted', { object: objectText(node) }))
        onClose()
        selection.close()
      },
      onError: notes.failed,
    })
  return (
    <Dialog
      title={say('delete-title', { object: objectText(node) })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{say('cancel')}</Button>
          <Button look="danger" reason={reason} onClick={go}>
            {say('delete')}
          </Button>
        </>
      }
    >
      <div className={styles['form']}>
        <fieldset className={styles['options']}>
          <legend>{say('delete-how')}</legend>
          {REMOVALS.map((each) => (
            <label key={each}>
              <input type="radio" name={name} checked={how === each} onChange={() => setHow(each)} />
              {say(`delete-${each}`)}
            </label>
          ))}
        </fieldset>
        <Field label={say('type-name', { name: node.name })}>
          <input value={typed} autoComplete="off" onChange={(event) => setTyped(event.target.value)} />
        </Field>
        <CommandHint cli={removalOf(node, how)} api={`DELETE /api/v1/applications/${app.name}/resource`} />
      </div>
    </Dialog>
  )
}
