import type { ApiError } from '@/shared/api/client'
import { Field } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useChange, useLack } from '../parts/action'
import { type DraftOf, fieldNamed, useDraft } from '../parts/draft'
import { FormDialog } from '../parts/form-dialog'
import styles from '../parts/parts.module.css'
import { check, type Draft, draftOf, EMPTY, KEY, PATH, type Project, specOf, storeProject } from './api'
import { words } from './words'

function fieldOf(error: ApiError): keyof Draft | undefined {
  const named = fieldNamed(error)
  return named !== undefined && named in EMPTY ? (named as keyof Draft) : undefined
}

/** Making a project, or changing the one that is there: its lists as lines of text. */
export function ProjectForm({
  project,
  initial = draftOf(project),
  onClose,
  onDone = onClose,
}: {
  project: Project
  initial?: Draft
  onClose: () => void
  onDone?: (stored: Project) => void
}) {
  const say = useWords(words)
  const isNew = project.metadata.name === ''
  const store = useChange({
    change: (draft: Draft) =>
      storeProject({ metadata: { ...project.metadata, name: draft.name }, spec: specOf(draft, project.spec) }, isNew),
    key: KEY,
    done: onDone,
  })
  const draft = useDraft(initial, check, store.error, fieldOf)
  const { values, set, problemOf } = draft
  const path = isNew ? PATH : `${PATH}/${values.name}`
  return (
    <FormDialog
      title={isNew ? say('add') : values.name}
      action={say(isNew ? 'create' : 'save')}
      onClose={onClose}
      onSubmit={() => draft.send(store.mutate)}
      isBusy={store.isPending}
      error={draft.isAtField ? null : store.error}
      reason={useLack('projects', isNew ? 'create' : 'update', values.name || '*')}
      command={{ cli: 'kubectl apply -n argocd -f project.yaml', api: `${isNew ? 'POST' : 'PUT'} ${path}` }}
    >
      {isNew && (
        <Field label={say('name')} problem={problemOf('name')}>
          <input
            autoComplete="off"
            spellCheck={false}
            aria-invalid={problemOf('name') !== undefined}
            value={values.name}
            onChange={(event) => set({ name: event.target.value.trim() })}
          />
        </Field>
      )}
      <Field label={say('description')}>
        <input value={values.description} onChange={(event) => set({ description: event.target.value })} />
      </Field>
      <Lines draft={draft} field="sources" hint={say('sources-hint')} />
      <Lines draft={draft} field="destinations" hint={say('destinations-hint')} />
      <Lines draft={draft} field="clusterResourceWhitelist" hint={say('kinds-hint')} />
      <Lines draft={draft} field="clusterResourceBlacklist" hint={say('kinds-hint')} />
      <Lines draft={draft} field="namespaceResourceBlacklist" hint={say('kinds-hint')} />
    </FormDialog>
  )
}

function Lines({
  draft,
  field,
  hint,
}: {
  draft: DraftOf<Draft>
  field: Exclude<keyof Draft, 'name' | 'description'>
  hint: string
}) {
  const say = useWords(words)
  const problem = draft.problemOf(field)
  const text = draft.values[field]
  return (
    <Field label={say(field)} hint={hint} problem={problem}>
      <textarea
        className={styles['area']}
        rows={Math.min(8, Math.max(2, text.split('\n').length))}
        spellCheck={false}
        aria-invalid={problem !== undefined}
        value={text}
        onChange={(event) => draft.set({ [field]: event.target.value })}
      />
    </Field>
  )
}
