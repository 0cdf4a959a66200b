import { Choice, Field } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useChange, useLack } from '../parts/action'
import { type DraftOf, useDraft } from '../parts/draft'
import { FormDialog } from '../parts/form-dialog'
import styles from '../parts/parts.module.css'
import {
  addCommand,
  addRepository,
  changeCommand,
  changeRepository,
  check,
  type Draft,
  draftOf,
  EMPTY,
  fieldOf,
  keyOf,
  type OfOne,
  objectOf,
  pathOfShelf,
  type Shelf,
  TYPES,
  WAYS,
  type Way,
} from './api'
import { words } from './words'

/** Changing what one is called and opened by. Where it stands and whose it is stays: that would be another one. */
export function ChangeDialog({ shelf, repository, onClose }: OfOne) {
  const say = useWords(words)
  const { url } = repository
  const change = useChange({
    change: (values: Draft) => changeRepository(values, shelf),
    key: keyOf(shelf),
    said: say('changed', { url }),
    done: onClose,
  })
  const draft = useDraft(draftOf(repository), check, change.error, fieldOf)
  const { values, set, problemOf } = draft
  return (
    <FormDialog
      title={say('change-title', { url })}
      action={say('save')}
      onClose={onClose}
      onSubmit={() => draft.send(change.mutate)}
      isBusy={change.isPending}
      error={draft.isAtField ? null : change.error}
      reason={useLack('repositories', 'update', objectOf(repository))}
      command={{ cli: changeCommand(values, shelf), api: `PUT ${pathOfShelf(shelf)}/${encodeURIComponent(url)}` }}
    >
      {shelf === 'repositories' && (
        <Field label={say('name')} hint={say('name-hint')} problem={problemOf('name')}>
          <input value={values.name} onChange={(event) => set({ name: event.target.value })} />
        </Field>
      )}
      <SigningIn draft={draft} ways={['keep', ...WAYS]} />
      <Trust draft={draft} />
    </FormDialog>
  )
}

/** Connecting a repository, or adding a template of credentials. */
export function AddDialog({ shelf, onClose }: { shelf: Shelf; onClose: () => void }) {
  const say = useWords(words)
  const isTemplate = shelf === 'credentials'
  const add = useChange({
    change: (values: Draft) => addRepository(values, shelf),
    key: keyOf(shelf),
    done: onClose,
  })
  const draft = useDraft(EMPTY, check, add.error, fieldOf)
  const lack = useLack('repositories', 'create', objectOf({ ...draft.values, url: draft.values.url || '*' }))
  return (
    <FormDialog
      title={say(isTemplate ? 'add-template' : 'add')}
      action={say(isTemplate ? 'submit-template' : 'submit')}
      onClose={onClose}
      onSubmit={() => draft.send(add.mutate)}
      isBusy={add.isPending}
      error={draft.isAtField ? null : add.error}
      reason={lack}
      command={{ cli: addCommand(draft.values, shelf), api: `POST ${pathOfShelf(shelf)}` }}
    >
      <Place draft={draft} isTemplate={isTemplate} />
      <SigningIn draft={draft} />
      <Trust draft={draft} />
    </FormDialog>
  )
}

function Place({ draft, isTemplate }: { draft: DraftOf<Draft>; isTemplate: boolean }) {
  const say = useWords(words)
  const { values, set, problemOf } = draft
  return (
    <>
      <Field label={say('url')} hint={say(isTemplate ? 'url-hint-template' : 'url-hint')} problem={problemOf('url')}>
        <input
          type="text"
          inputMode="url"
          // biome-ignore lint/a11y/noAutofocus: a dialog that opens for writing begins at its first field.
          autoFocus
          autoComplete="off"
          spellCheck={false}
          aria-invalid={problemOf('url') !== undefined}
          value={values.url}
          onChange={(event) => set({ url: event.target.value.trim() })}
        />
      </Field>
      <Field label={say('type')} problem={problemOf('type')}>
        <select value={values.type} onChange={(event) => set({ type: event.target.value })}>
          {TYPES.map((each) => (
            <option key={each} value={each}>
              {say(`type-${each}`)}
            </option>
          ))}
        </select>
      </Field>
      {!isTemplate && (
        <div className={styles['pair']}>
          <Field label={say('name')} hint={say('name-hint')} problem={problemOf('name')}>
            <input value={values.name} onChange={(event) => set({ name: event.target.value })} />
          </Field>
          <Field label={say('project')} hint={say('project-hint')}>
            <input value={values.project} onChange={(event) => set({ project: event.target.value.trim() })} />
          </Field>
        </div>
      )}
    </>
  )
}

function SigningIn({ draft, ways = WAYS }: { draft: DraftOf<Draft>; ways?: readonly Way[] }) {
  const say = useWords(words)
  const { values, set, problemOf } = draft
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
      {values.way === 'password' && (
        <div className={styles['pair']}>
          <Field label={say('user')} problem={problemOf('username')}>
            <input
              autoComplete="off"
              value={values.username}
              onChange={(event) => set({ username: event.target.value })}
            />
          </Field>
          <Field label={say('password')} problem={problemOf('password')}>
            <input
              type="password"
              autoComplete="new-password"
              value={values.password}
              onChange={(event) => set({ password: event.target.value })}
            />
          </Field>
        </div>
      )}
      {values.way === 'bearer' && (
        <Field label={say('bearer')} problem={problemOf('bearerToken')}>
          <input
            type="password"
            autoComplete="new-password"
            value={values.bearerToken}
            onChange={(event) => set({ bearerToken: event.target.value })}
          />
        </Field>
      )}
      {values.way === 'ssh' && (
        <Field label={say('key')} problem={problemOf('sshPrivateKey')}>
          <textarea
            className={styles['area']}
            rows={6}
            spellCheck={false}
            autoComplete="off"
            value={values.sshPrivateKey}
            onChange={(event) => set({ sshPrivateKey: event.target.value })}
          />
        </Field>
      )}
    </>
  )
}

function Trust({ draft }: { draft: DraftOf<Draft> }) {
  const say = useWords(words)
  const { values, set } = draft
  return (
    <>
      {values.type === 'helm' && (
        <Choice
          label={say('oci')}
          checked={values.enableOCI}
          onChange={(event) => set({ enableOCI: event.target.checked })}
        />
      )}
      <Choice
        label={say('insecure')}
        text={say('insecure-hint')}
        checked={values.insecure}
        onChange={(event) => set({ insecure: event.target.checked })}
      />
    </>
  )
}
