import { Field } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useChange, useLack } from '../parts/action'
import { useDraft } from '../parts/draft'
import { FormDialog } from '../parts/form-dialog'
import styles from '../parts/parts.module.css'
import {
  checkRole,
  EMPTY_ROLE,
  KEY,
  PATH,
  type Project,
  type Role,
  type RoleDraft,
  storeProject,
  withRole,
} from './api'
import { words } from './words'

const APPLY = 'kubectl apply -n argocd -f project.yaml'

/** Making a role of a project, or changing one. */
export function RoleForm({
  project,
  role,
  onClose,
}: {
  project: Project
  role?: Role | undefined
  onClose: () => void
}) {
  const say = useWords(words)
  const { name } = project.metadata
  const store = useChange({
    change: (draft: RoleDraft) =>
      storeProject({ ...project, spec: withRole(project.spec, role?.name ?? '', draft) }, false),
    key: KEY,
    said: say('saved', { name }),
    done: onClose,
  })
  const initial = role
    ? {
        name: role.name,
        description: role.description ?? '',
        policies: (role.policies ?? []).join('\n'),
        groups: (role.groups ?? []).join('\n'),
      }
    : EMPTY_ROLE
  const draft = useDraft<RoleDraft>(initial, (values) => checkRole(values, name))
  const { values, set, problemOf } = draft
  return (
    <FormDialog
      title={role ? say('edit-role', { name: role.name }) : say('add-role')}
      action={say('save')}
      onClose={onClose}
      onSubmit={() => draft.send(store.mutate)}
      isBusy={store.isPending}
      error={store.error}
      reason={useLack('projects', 'update', name)}
      command={{ cli: APPLY, api: `PUT ${PATH}/${name}` }}
    >
      <div className={styles['pair']}>
        <Field label={say('name')} problem={problemOf('name')}>
          <input
            readOnly={role !== undefined}
            aria-invalid={problemOf('name') !== undefined}
            value={values.name}
            onChange={(event) => set({ name: event.target.value.trim() })}
          />
        </Field>
        <Field label={say('description')}>
          <input value={values.description} onChange={(event) => set({ description: event.target.value })} />
        </Field>
      </div>
      <Field label={say('policies')} hint={say('policies-hint', { project: name })} problem={problemOf('policies')}>
        <textarea
          className={styles['area']}
          rows={5}
          spellCheck={false}
          aria-invalid={problemOf('policies') !== undefined}
          value={values.policies}
          onChange={(event) => set({ policies: event.target.value })}
        />
      </Field>
      <Field label={say('groups')} hint={say('groups-hint')}>
        <textarea
          className={styles['area']}
          rows={2}
          spellCheck={false}
          value={values.groups}
          onChange={(event) => set({ groups: event.target.value })}
        />
      </Field>
    </FormDialog>
  )
}

export function DeleteRole({ project, role, onClose }: { project: Project; role: Role; onClose: () => void }) {
  const say = useWords(words)
  const { name } = project.metadata
  const remove = useChange({
    change: () => storeProject({ ...project, spec: withRole(project.spec, role.name, null) }, false),
    key: KEY,
    said: say('saved', { name }),
    done: onClose,
  })
  return (
    <FormDialog
      title={say('delete-role-title', { name: role.name })}
      action={say('delete-role')}
      look="danger"
      onClose={onClose}
      onSubmit={() => remove.mutate(undefined)}
      isBusy={remove.isPending}
      error={remove.error}
      reason={useLack('projects', 'update', name)}
      command={{ cli: APPLY, api: `PUT ${PATH}/${name}` }}
    >
      <p>{say('delete-role-text')}</p>
    </FormDialog>
  )
}
