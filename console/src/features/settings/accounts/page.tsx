import { Plus } from 'lucide-react'
import { useUser } from '@/shared/api/session'
import { Button, Card, type Column, Empty, Loaded, Opener, Table } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useOpen } from '../parts/action'
import { Frame } from '../parts/frame'
import styles from '../parts/parts.module.css'
import { TokenForm } from '../parts/token-form'
import { RevokeDialog, TokenList } from '../parts/token-list'
import { tokenWords } from '../parts/words'
import { AccountDialogs } from './account'
import { type Account, MOST_SECONDS, makeToken, revokeToken, TOKENS, TOKENS_KEY, useAccounts, useTokens } from './api'
import { words } from './words'

/** The reader's own tokens, and the accounts of the installation. */
export function Component() {
  const say = useWords(words)
  return (
    <Frame section="accounts" lead={say('lead')}>
      <OwnTokens />
      <Accounts />
    </Frame>
  )
}

function OwnTokens() {
  const say = useWords(words)
  const sayToken = useWords(tokenWords)
  const open = useOpen()
  const tokens = useTokens()
  const shown = tokens.data?.find((each) => each.id === open.shown)
  return (
    <Card>
      <div className={styles['head']}>
        <h2>{say('own-tokens')}</h2>
        <Button onClick={() => open.act('token', '')}>
          <Plus size={16} aria-hidden />
          {sayToken('make')}
        </Button>
      </div>
      <p className={styles['lead']}>{say('own-tokens-text')}</p>
      <Loaded query={tokens}>
        {(items) => (
          <TokenList label={say('own-tokens')} tokens={items} onRevoke={(each) => open.act('revoke', each.id)} />
        )}
      </Loaded>
      {open.action === 'token' && (
        <TokenForm
          path={TOKENS}
          make={makeToken}
          queryKey={TOKENS_KEY}
          hasScopes
          lastsHint={say('own-lasts')}
          most={MOST_SECONDS}
          onClose={open.close}
        />
      )}
      {open.action === 'revoke' && shown && (
        <RevokeDialog
          token={shown}
          path={`${TOKENS}/${shown.id}`}
          revoke={() => revokeToken(shown.id)}
          queryKey={TOKENS_KEY}
          onClose={open.close}
        />
      )}
    </Card>
  )
}

function Accounts() {
  const say = useWords(words)
  const open = useOpen()
  const accounts = useAccounts()
  const [name, token] = (open.shown ?? '').split(' ')
  const shown = accounts.data?.find((each) => each.name === name)
  return (
    <Card>
      <h2>{say('accounts')}</h2>
      <p className={styles['lead']}>{say('accounts-text')}</p>
      <Loaded query={accounts}>
        {(items) => (items.length === 0 ? <Empty title={say('none')} /> : <Rows items={items} onOpen={open.show} />)}
      </Loaded>
      {shown && <AccountDialogs account={shown} token={token} />}
    </Card>
  )
}

function Rows({ items, onOpen }: { items: readonly Account[]; onOpen: (name: string) => void }) {
  const say = useWords(words)
  const user = useUser().data
  const isOwn = (account: Account) => user?.iss === 'argocd' && user.username === account.name
  const capability = (each: string) => (each === 'login' || each === 'apiKey' ? say(each) : each)
  const columns: Column<Account>[] = [
    {
      id: 'name',
      label: say('name'),
      cell: (each) => (
        <span>
          <Opener onOpen={() => onOpen(each.name)}>{each.name}</Opener> {isOwn(each) && `(${say('you')})`}
        </span>
      ),
    },
    { id: 'may', label: say('may'), cell: (each) => each.capabilities?.map(capability).join(', ') || say('nothing') },
    { id: 'tokens', label: say('tokens'), cell: (each) => each.tokens?.length ?? 0, isNumber: true },
    { id: 'state', label: say('state'), cell: (each) => say(each.enabled ? 'enabled' : 'disabled') },
  ]
  return <Table label={say('accounts')} columns={columns} rows={items} keyOf={(each) => each.name} />
}
