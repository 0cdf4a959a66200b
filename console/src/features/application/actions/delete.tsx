import { useState } from 'react'
import { useNavigate } from 'react-router'
import { Button, Callout, Choice, CommandHint, Dialog, Failure, Field, Loading, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import { useTree } from '../nodes'
import { objectText } from '../objects'
import { type Cascade, deletionOf, useDeclared, useDelete, useLack } from './api'
import styles from './dialogs.module.css'
import { words } from './words'

const CHOICES = ['foreground', 'background', 'keep'] as const satisfies readonly Cascade[]

/** What a deletion takes with it, how, and the name typed before it happens. */
export function DeleteDialog({ application, onClose }: { application: Application; onClose: () => void }) {
  const say = useWords(words)
  const notes = useNotes()
  const navigate = useNavigate()
  const { name, namespace } = application.metadata
  const [cascade, setCascade] = useState<Cascade>('foreground')
  const [typed, setTyped] = useState('')
  const remove = useDelete(application)
  const lack = useLack(application, 'delete')
  const declared = useDeclared(application)
  const isGoing = application.metadata.deletionTimestamp ? say('deleting', { name }) : undefined
  const why = lack ?? declared ?? isGoing
  const submit = () =>
    remove.mutate(cascade, {
      onSuccess: () => {
        notes.said(say('deleted', { name }))
        void navigate('/applications')
      },
      onError: notes.failed,
    })
  return (
    <Dialog
      title={say('delete-title', { name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{say('cancel')}</Button>
          <Button
            look="danger"
            reason={why ?? (typed === name ? undefined : say('delete-mismatch'))}
            disabled={remove.isPending}
            onClick={submit}
          >
            {say('delete-now')}
          </Button>
        </>
      }
    >
      <div className={styles['body']}>
        {why && <Callout tone="warn">{why}</Callout>}
        <What application={application} />
        <fieldset className={styles['choices']}>
          <legend>{say('delete-how')}</legend>
          {CHOICES.map((each) => (
            <Choice
              key={each}
              type="radio"
              name="cascade"
              label={say(`delete-${each}`)}
              text={say(`delete-${each}-text`)}
              checked={cascade === each}
              onChange={() => setCascade(each)}
            />
          ))}
        </fieldset>
        <Field label={say('delete-type', { name })}>
          <input
            value={typed}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.target.value)}
          />
        </Field>
        <CommandHint
          cli={deleteCommand(name, cascade)}
          api={`DELETE /api/v1/applications/${name}?appNamespace=${namespace}&${new URLSearchParams(deletionOf(cascade))}`}
        />
      </div>
    </Dialog>
  )
}

/** The command that deletes alike. */
export function deleteCommand(name: string, cascade: Cascade): string {
  return `haori app delete ${name} ${cascade === 'keep' ? '--no-cascade' : `--propagation-policy ${cascade}`}`
}

const SHOWN = 12

function What({ application }: { application: Application }) {
  const say = useWords(words)
  const tree = useTree(application.metadata)
  if (tree.error) return <Failure error={tree.error} onRetry={() => void tree.refetch()} />
  if (!tree.data) return <Loading />
  const there = tree.data.filter((node) => node.uid)
  const managed = there.filter((node) => node.parents.length === 0)
  const below = there.filter((node) => node.parents.length > 0)
  const { namespace, name, server } = application.spec.destination
  return (
    <div>
      <p>
        {say('delete-what', {
          managed: managed.length,
          owned: below.length,
          place: namespace || name || server || '',
        })}
      </p>
      <ul className={styles['objects']}>
        {managed.slice(0, SHOWN).map((node) => (
          <li key={node.uid}>{objectText(node)}</li>
        ))}
        {managed.length > SHOWN && <li>{say('and', { count: managed.length - SHOWN })}</li>}
      </ul>
    </div>
  )
}
