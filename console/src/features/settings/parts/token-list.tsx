import { Trash2 } from 'lucide-react'
import { Ago, type Column, IconButton, Table } from '@/shared/ui'
import { useLanguage, useWords } from '@/shared/words'
import { DeleteDialog } from './delete-dialog'
import styles from './parts.module.css'
import { curl } from './shell-text'
import { tokenWords } from './words'

export interface Token {
  id: string
  name: string
  /** RFC 3339; empty for never or unknown. */
  issuedAt: string
  expiresAt: string
  usedAt?: string
  scopes?: readonly string[]
}

/** RFC 3339 of seconds of Unix time, which the API writes as a number or as a text; empty for 0. */
export function instantOf(seconds: number | string | undefined): string {
  const value = Number(seconds ?? 0)
  return value > 0 ? new Date(value * 1000).toISOString() : ''
}

export function TokenList({
  label,
  tokens,
  onRevoke,
}: {
  label: string
  tokens: readonly Token[]
  onRevoke: (token: Token) => void
}) {
  const say = useWords(tokenWords)
  const language = useLanguage()
  if (tokens.length === 0) return <p className={styles['faint']}>{say('none')}</p>
  const day = (at: string) => (at ? new Date(at).toLocaleDateString(language, { dateStyle: 'medium' }) : say('never'))
  const columns: Column<Token>[] = [
    { id: 'name', label: say('name'), cell: (each) => each.name },
    { id: 'issued', label: say('issued'), cell: (each) => <Ago at={each.issuedAt} /> },
    { id: 'expires', label: say('expires'), cell: (each) => day(each.expiresAt) },
  ]
  if (tokens.some((each) => each.scopes)) {
    columns.push(
      { id: 'scopes', label: say('scopes'), cell: (each) => <Scopes scopes={each.scopes ?? []} /> },
      { id: 'used', label: say('used'), cell: (each) => (each.usedAt ? <Ago at={each.usedAt} /> : say('never')) },
    )
  }
  columns.push({
    id: 'revoke',
    label: say('revoke'),
    cell: (each) => (
      <IconButton label={`${say('revoke')}: ${each.name}`} onClick={() => onRevoke(each)}>
        <Trash2 size={16} aria-hidden />
      </IconButton>
    ),
  })
  return <Table label={label} columns={columns} rows={tokens} keyOf={(each) => each.id} />
}

function Scopes({ scopes }: { scopes: readonly string[] }) {
  const say = useWords(tokenWords)
  if (scopes.length === 0 || scopes.includes('*:*')) return <>{say('everything')}</>
  return (
    <ul className={styles['list']}>
      {scopes.map((each) => (
        <li key={each}>
          <code>{each}</code>
        </li>
      ))}
    </ul>
  )
}

export function RevokeDialog({
  token,
  path,
  revoke,
  queryKey,
  lack,
  onClose,
}: {
  token: Token
  path: string
  revoke: () => Promise<unknown>
  queryKey: readonly unknown[]
  lack?: string | undefined
  onClose: () => void
}) {
  const say = useWords(tokenWords)
  const { name } = token
  return (
    <DeleteDialog
      title={say('revoke-title', { name })}
      text={say('revoke-text')}
      action={say('revoke')}
      remove={revoke}
      queryKey={queryKey}
      said={say('revoked', { name })}
      lack={lack}
      command={{ cli: curl('DELETE', path), api: `DELETE ${path}` }}
      onClose={onClose}
    />
  )
}
