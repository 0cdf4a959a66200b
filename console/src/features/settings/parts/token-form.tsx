/** Making a token: its name, its end, what it may; then the token itself, which is shown this once. */
import { useState } from 'react'
import type { ApiError } from '@/shared/api/client'
import { Button, CommandHint, CopyButton, Dialog, Field } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useChange } from './action'
import { type Problems, useDraft } from './draft'
import { secondsOf } from './duration'
import { FormDialog } from './form-dialog'
import styles from './parts.module.css'
import { curl } from './shell-text'
import { tokenWords } from './words'

/** What there is to name in a scope; the server refuses, by name, what nothing of it fits. */
const RESOURCES =
  'applications, applicationsets, logs, exec, projects, clusters, repositories, write-repositories, certificates, accounts'
const ACTIONS = 'get, create, update, delete, sync, rollback, override, action/NAME'

export interface TokenDraft {
  name: string
  lasts: string
  /** One a line; only for tokens with scopes. */
  scopes: string
}

export const scopesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((each) => each.trim())
    .filter(Boolean)

/** `most`: the seconds that such a token may last; without it there is no bound. */
export function checkToken(draft: TokenDraft, most = Number.POSITIVE_INFINITY): Problems<TokenDraft> {
  const seconds = secondsOf(draft.lasts)
  const areScopes = scopesOf(draft.scopes).every((each) => /^[^\s:]+:[^\s:]+(:\S+)?$/.test(each))
  return {
    name: draft.name === '' ? 'problem-needed' : draft.name.length > 100 ? 'problem-long' : undefined,
    lasts: seconds === undefined ? 'problem-duration' : seconds > most ? 'problem-lasts' : undefined,
    scopes: areScopes ? undefined : 'problem-scope',
  }
}

/** The field that the server's refusal is about. */
export function tokenField({ code }: ApiError): keyof TokenDraft | undefined {
  if (code.startsWith('scope')) return 'scopes'
  if (code === 'token-time-refused') return 'lasts'
  return code.endsWith('token-exists') ? 'name' : undefined
}

export function TokenForm({
  path,
  make,
  queryKey,
  hasScopes = false,
  lastsHint,
  most,
  lack,
  onClose,
}: {
  /** Of the request, as it is shown. */
  path: string
  make: (draft: TokenDraft) => Promise<{ token: string }>
  queryKey: readonly unknown[]
  hasScopes?: boolean
  /** What no end means here, and what the longest time is. */
  lastsHint: string
  /** The seconds that it may last. */
  most?: number
  lack?: string | undefined
  onClose: () => void
}) {
  const say = useWords(tokenWords)
  const [token, setToken] = useState('')
  const change = useChange({ change: make, key: queryKey, done: (answer) => setToken(answer.token) })
  const draft = useDraft<TokenDraft>(
    { name: '', lasts: '30d', scopes: '' },
    (values) => checkToken(values, most),
    change.error,
    tokenField,
  )
  if (token) return <Made token={token} onClose={onClose} />
  const { values, set, problemOf } = draft
  return (
    <FormDialog
      title={say('make')}
      action={say('make')}
      onClose={onClose}
      onSubmit={() => draft.send(change.mutate)}
      isBusy={change.isPending}
      error={draft.isAtField ? null : change.error}
      reason={lack}
      command={{ cli: curl('POST', path, true), api: `POST ${path}` }}
    >
      <Field label={say('name')} hint={say('name-hint')} problem={problemOf('name')}>
        <input autoComplete="off" value={values.name} onChange={(event) => set({ name: event.target.value })} />
      </Field>
      <Field label={say('lasts')} hint={lastsHint} problem={problemOf('lasts')}>
        <input autoComplete="off" value={values.lasts} onChange={(event) => set({ lasts: event.target.value })} />
      </Field>
      {hasScopes && (
        <Field
          label={say('scopes')}
          hint={
            <>
              {say('scopes-hint')} {say('scopes-known', { resources: RESOURCES, actions: ACTIONS })}
            </>
          }
          problem={problemOf('scopes')}
        >
          <textarea
            className={styles['area']}
            rows={4}
            spellCheck={false}
            placeholder={'applications:get\napplications:sync:default/*'}
            value={values.scopes}
            onChange={(event) => set({ scopes: event.target.value })}
          />
        </Field>
      )}
    </FormDialog>
  )
}

function Made({ token, onClose }: { token: string; onClose: () => void }) {
  const say = useWords(tokenWords)
  return (
    <Dialog title={say('made')} onClose={onClose} footer={<Button onClick={onClose}>{say('kept')}</Button>}>
      <div className={styles['stack']}>
        <p>{say('made-text')}</p>
        <div className={styles['token']}>
          <code>{token}</code>
          <CopyButton text={token} />
        </div>
        <CommandHint cli={'curl -H "Authorization: Bearer $HAORI_TOKEN" "$HAORI_URL/api/v1/applications"'} />
      </div>
    </Dialog>
  )
}
