import { KeyRound, Plus } from 'lucide-react'
import { useUser } from '@/shared/api/session'
import { Button, Dialog, Field } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useChange, useLack, useOpen } from '../parts/action'
import { useDraft } from '../parts/draft'
import { FormDialog } from '../parts/form-dialog'
import styles from '../parts/parts.module.css'
import { curl } from '../parts/shell-text'
import { TokenForm } from '../parts/token-form'
import { RevokeDialog, TokenList } from '../parts/token-list'
import { tokenWords } from '../parts/words'
import {
  type Account,
  changePassword,
  checkPassword,
  EMPTY,
  fieldOf,
  KEY,
  makeAccountToken,
  PATH,
  type PasswordDraft,
  revokeAccountToken,
  tokensOf,
} from './api'
import { words } from './words'

/** Why the reader may not change an account; everybody may change their own. */
function useAccountLack(account: Account): string | undefined {
  const user = useUser().data
  const lack = useLack('accounts', 'update', account.name)
  return user?.iss === 'argocd' && user.username === account.name ? undefined : lack
}

/** What is open of one account, as the address says; `token`: which of its tokens. */
export function AccountDialogs({ account, token }: { account: Account; token: string | undefined }) {
  const say = useWords(words)
  const open = useOpen()
  const lack = useAccountLack(account)
  const isForTokens = account.capabilities?.includes('apiKey') ?? false
  const shown = tokensOf(account).find((each) => each.id === token)
  switch (open.action) {
    case 'password':
      return <PasswordForm account={account} lack={lack} onClose={open.close} />
    case 'account-token':
      return (
        <TokenForm
          path={`${PATH}/${account.name}/token`}
          make={(draft) => makeAccountToken(account.name, draft)}
          queryKey={KEY}
          lastsHint={say('account-lasts')}
          lack={isForTokens ? lack : say('no-tokens-allowed')}
          onClose={open.close}
        />
      )
    case 'account-revoke':
      return shown ? (
        <RevokeDialog
          token={shown}
          path={`${PATH}/${account.name}/token/${encodeURIComponent(shown.id)}`}
          revoke={() => revokeAccountToken(account.name, shown.id)}
          queryKey={KEY}
          lack={lack}
          onClose={open.close}
        />
      ) : null
    case null:
      return <Details account={account} lack={isForTokens ? lack : say('no-tokens-allowed')} />
    default:
      return null
  }
}

function Details({ account, lack }: { account: Account; lack: string | undefined }) {
  const say = useWords(words)
  const sayToken = useWords(tokenWords)
  const open = useOpen()
  return (
    <Dialog
      title={account.name}
      onClose={open.close}
      footer={
        <>
          <Button onClick={() => open.act('password')}>
            <KeyRound size={16} aria-hidden />
            {say('change-password')}
          </Button>
          <Button look="primary" reason={lack} onClick={() => open.act('account-token')}>
            <Plus size={16} aria-hidden />
            {sayToken('make')}
          </Button>
        </>
      }
    >
      <div className={styles['stack']}>
        <h3>{say('tokens')}</h3>
        <TokenList
          label={say('tokens')}
          tokens={tokensOf(account)}
          onRevoke={(each) => open.act('account-revoke', `${account.name} ${each.id}`)}
        />
        {lack && <p className={styles['faint']}>{lack}</p>}
      </div>
    </Dialog>
  )
}

function PasswordForm({ account, lack, onClose }: { account: Account; lack: string | undefined; onClose: () => void }) {
  const say = useWords(words)
  // The owner of the folder and people of the identity provider have no password here that could be asked for.
  const isAsked = useUser().data?.iss === 'argocd'
  const { name } = account
  const store = useChange({
    change: (draft: PasswordDraft) => changePassword(name, draft),
    key: KEY,
    said: say('saved', { name }),
    done: onClose,
  })
  const draft = useDraft(EMPTY, (values) => checkPassword(values, isAsked), store.error, fieldOf)
  const path = `${PATH}/password`
  const fields = [...(isAsked ? [['currentPassword', 'current'] as const] : []), ['newPassword', 'new'] as const]
  return (
    <FormDialog
      title={say('password-title', { name })}
      action={say('save')}
      onClose={onClose}
      onSubmit={() => draft.send(store.mutate)}
      isBusy={store.isPending}
      error={draft.isAtField ? null : store.error}
      reason={lack}
      command={{ cli: curl('PUT', path, true), api: `PUT ${path}` }}
    >
      {[...fields, ['again', 'again'] as const].map(([field, label]) => (
        <Field key={field} label={say(label)} problem={draft.problemOf(field)}>
          <input
            type="password"
            autoComplete={field === 'currentPassword' ? 'current-password' : 'new-password'}
            aria-invalid={draft.problemOf(field) !== undefined}
            value={draft.values[field]}
            onChange={(event) => draft.set({ [field]: event.target.value })}
          />
        </Field>
      ))}
    </FormDialog>
  )
}
