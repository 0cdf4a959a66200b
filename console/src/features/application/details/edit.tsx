import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button, CommandHint, Dialog, Field, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useDeclared, useLack } from '../actions/api'
import { type Application, sourcesOf } from '../model'
import { askArgo, keyOf } from '../queries'
import { applyDraft, commandOf, type Draft, draftOf, isSame, patchOf, sourceTypes, wrongLine } from './sources'
import styles from './tab.module.css'
import { words } from './words'

/** Changes what an application follows, where no other place declares it. */
export function EditDialog({ application, onClose }: { application: Application; onClose: () => void }) {
  const say = useWords(words)
  const notes = useNotes()
  const queries = useQueryClient()
  const { name, namespace } = application.metadata
  const sources = sourcesOf(application)
  const types = sourceTypes(application)
  const [drafts, setDrafts] = useState(() => sources.map((source, index) => draftOf(source, types[index] ?? '')))
  const lack = useLack(application, 'update')
  const declared = useDeclared(application)
  const wrong = drafts.map((draft) => wrongLine(draft.parameters))
  const edited = sources.map((source, index) => applyDraft(source, drafts[index] ?? draftOf(source, '')))
  const patch = patchOf(application, edited)
  const save = useMutation({
    mutationFn: () =>
      askArgo(application.metadata, [], {
        method: 'PATCH',
        body: { patch: JSON.stringify(patch), patchType: 'json' },
      }),
    onSuccess: () => {
      notes.said(say('saved', { name }))
      onClose()
      return queries.invalidateQueries({ queryKey: keyOf(application.metadata) })
    },
    onError: notes.failed,
  })
  const reason =
    lack ??
    declared ??
    wrong.flatMap((line) => (line === null ? [] : [say('edit-wrong-line', { line })]))[0] ??
    (isSame(application, edited) ? say('unchanged') : undefined)
  return (
    <Dialog
      title={say('edit-title', { name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{say('cancel')}</Button>
          <Button look="primary" reason={reason} disabled={save.isPending} onClick={() => save.mutate()}>
            {say('save')}
          </Button>
        </>
      }
    >
      <div className={styles['edit']}>
        {drafts.map((draft, index) => (
          <SourceFields
            // biome-ignore lint/suspicious/noArrayIndexKey: sources have no name; their order is part of what they are.
            key={index}
            title={sources.length > 1 ? say('source', { n: index + 1 }) : ''}
            draft={draft}
            wrong={wrong[index] ?? null}
            onChange={(next) => setDrafts(drafts.map((each, at) => (at === index ? next : each)))}
          />
        ))}
        <CommandHint
          cli={drafts[0] ? commandOf(name, drafts[0]) : ''}
          api={`PATCH /api/v1/applications/${name}?appNamespace=${namespace} ${JSON.stringify(patch)}`}
        />
      </div>
    </Dialog>
  )
}

function SourceFields({
  title,
  draft,
  wrong,
  onChange,
}: {
  title: string
  draft: Draft
  wrong: number | null
  onChange: (draft: Draft) => void
}) {
  const say = useWords(words)
  return (
    <>
      {title && <h3>{title}</h3>}
      <Field label={say('edit-target')} hint={say('edit-target-hint')}>
        <input value={draft.target} onChange={(event) => onChange({ ...draft, target: event.target.value.trim() })} />
      </Field>
      {draft.parameters !== null && (
        <Field
          label={say('parameters')}
          hint={say('edit-parameters-hint')}
          problem={wrong === null ? undefined : say('edit-wrong-line', { line: wrong })}
        >
          <textarea
            rows={6}
            spellCheck={false}
            value={draft.parameters}
            onChange={(event) => onChange({ ...draft, parameters: event.target.value })}
          />
        </Field>
      )}
      {draft.images !== null && (
        <Field label={say('images')} hint={say('edit-images-hint')}>
          <textarea
            rows={4}
            spellCheck={false}
            value={draft.images}
            onChange={(event) => onChange({ ...draft, images: event.target.value })}
          />
        </Field>
      )}
    </>
  )
}
