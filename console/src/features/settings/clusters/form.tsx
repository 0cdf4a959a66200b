import { Choice, Field } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useChange, useLack } from '../parts/action'
import { type DraftOf, useDraft } from '../parts/draft'
import { FormDialog } from '../parts/form-dialog'
import styles from '../parts/parts.module.css'
import { line } from '../parts/shell-text'
import {
  addCluster,
  type Cluster,
  changeCluster,
  check,
  type Draft,
  draftOf,
  EMPTY,
  fieldOf,
  KEY,
  objectOf,
  PATH,
  WAYS,
  type Way,
} from './api'
import { words } from './words'

type Text = Exclude<keyof Draft, 'insecure' | 'way'>
type Key = keyof (typeof words)['en']

/** Changing what one is called, what is reached of it and how. Its server stays: another server is another cluster. */
export function ChangeDialog({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const say = useWords(words)
  const title = cluster.name || cluster.server
  const change = useChange({
    change: changeCluster,
    key: KEY,
    said: say('changed', { name: title }),
    done: onClose,
  })
  const draft = useDraft(draftOf(cluster), check, change.error, fieldOf)
  return (
    <FormDialog
      title={say('change-title', { name: title })}
      action={say('save')}
      onClose={onClose}
      onSubmit={() => draft.send(change.mutate)}
      isBusy={change.isPending}
      error={draft.isAtField ? null : change.error}
      reason={useLack('clusters', 'update', objectOf(cluster))}
      command={{
        cli: 'kubectl edit secrets -n argocd -l argocd.argoproj.io/secret-type=cluster',
        api: `PUT ${PATH}/${encodeURIComponent(cluster.server)}`,
      }}
    >
      <div className={styles['pair']}>
        <Text draft={draft} field="name" label="name" />
        <Text draft={draft} field="namespaces" label="namespaces" hint="namespaces-hint" />
      </div>
      <Reaching draft={draft} ways={['keep', ...WAYS]} />
    </FormDialog>
  )
}

/** Adding a cluster. */
export function AddDialog({ onClose }: { onClose: () => void }) {
  const say = useWords(words)
  const add = useChange({ change: addCluster, key: KEY, done: onClose })
  const draft = useDraft(EMPTY, check, add.error, fieldOf)
  const { values } = draft
  const project = values.project ? ['--project', values.project] : []
  return (
    <FormDialog
      title={say('add')}
      action={say('submit')}
      onClose={onClose}
      onSubmit={() => draft.send(add.mutate)}
      isBusy={add.isPending}
      error={draft.isAtField ? null : add.error}
      reason={useLack('clusters', 'create', objectOf({ ...values, server: values.server || '*' }))}
      command={{
        cli: line('haori', 'cluster', 'add', values.name || 'CONTEXT', '--kubeconfig', 'FILE', ...project),
        api: `POST ${PATH}`,
      }}
    >
      <div className={styles['pair']}>
        <Text draft={draft} field="name" label="name" />
        <Text draft={draft} field="server" label="server" hint="server-hint" />
      </div>
      <div className={styles['pair']}>
        <Text draft={draft} field="project" label="project" hint="project-hint" />
        <Text draft={draft} field="namespaces" label="namespaces" hint="namespaces-hint" />
      </div>
      <Reaching draft={draft} />
    </FormDialog>
  )
}

/** How it is signed in to and trusted. */
function Reaching({ draft, ways = WAYS }: { draft: DraftOf<Draft>; ways?: readonly Way[] }) {
  const say = useWords(words)
  const { values, set } = draft
  return (
    <>
      <Field label={say('way')}>
        <select value={values.way} onChange={(event) => set({ way: event.target.value as Way })}>
          {ways.map((each) => (
            <option key={each} value={each}>
              {say(`way-${each}`)}
            </option>
          ))}
        </select>
      </Field>
      <SigningIn draft={draft} />
      {values.way !== 'keep' && (
        <>
          <Area draft={draft} field="caData" label="authorities" hint="authorities-hint" />
          <Choice
            label={say('insecure')}
            checked={values.insecure}
            onChange={(event) => set({ insecure: event.target.checked })}
          />
        </>
      )}
    </>
  )
}

function SigningIn({ draft }: { draft: DraftOf<Draft> }) {
  switch (draft.values.way) {
    case 'keep':
      return null
    case 'token':
      return <Text draft={draft} field="bearerToken" label="token" type="password" />
    case 'password':
      return (
        <div className={styles['pair']}>
          <Text draft={draft} field="username" label="user" />
          <Text draft={draft} field="password" label="password" type="password" />
        </div>
      )
    case 'certificate':
      return (
        <>
          <Area draft={draft} field="certData" label="certificate" />
          <Area draft={draft} field="keyData" label="key" />
        </>
      )
  }
}

interface Of {
  draft: DraftOf<Draft>
  field: Text
  label: Key
  hint?: Key
}

function Text({ draft, field, label, hint, type = 'text' }: Of & { type?: 'text' | 'password' }) {
  const say = useWords(words)
  const problem = draft.problemOf(field)
  return (
    <Field label={say(label)} hint={hint && say(hint)} problem={problem}>
      <input
        type={type}
        autoComplete={type === 'password' ? 'new-password' : 'off'}
        spellCheck={false}
        aria-invalid={problem !== undefined}
        value={draft.values[field]}
        onChange={(event) => draft.set({ [field]: event.target.value })}
      />
    </Field>
  )
}

function Area({ draft, field, label, hint }: Of) {
  const say = useWords(words)
  const problem = draft.problemOf(field)
  return (
    <Field label={say(label)} hint={hint && say(hint)} problem={problem}>
      <textarea
        className={styles['area']}
        rows={4}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={problem !== undefined}
        value={draft.values[field]}
        onChange={(event) => draft.set({ [field]: event.target.value })}
      />
    </Field>
  )
}
