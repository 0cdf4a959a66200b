import { useQuery } from '@tanstack/react-query'
import { type ApiError, ask, pathOf } from '@/shared/api/client'
import type { Problems } from '../parts/draft'
import { secondsOf } from '../parts/duration'
import { scopesOf, type TokenDraft } from '../parts/token-form'
import { instantOf, type Token } from '../parts/token-list'

export const PATH = '/api/v1/account'
export const TOKENS = '/api/haori/v1/tokens'
export const KEY = ['settings', 'accounts'] as const
export const TOKENS_KEY = ['settings', 'tokens'] as const

/** What the server allows a token with scopes to last. */
export const MOST_SECONDS = 366 * 24 * 3600

export interface Account {
  name: string
  enabled: boolean
  capabilities: readonly string[] | null
  tokens: readonly { id: string; issuedAt: string | number; expiresAt: string | number }[] | null
}

export function useAccounts() {
  return useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => (await ask<{ items: Account[] | null }>(PATH, { signal })).items ?? [],
  })
}

export function tokensOf(account: Account): Token[] {
  return (account.tokens ?? []).map(({ id, issuedAt, expiresAt }) => ({
    id,
    name: id,
    issuedAt: instantOf(issuedAt),
    expiresAt: instantOf(expiresAt),
  }))
}

interface Scoped {
  id: string
  name: string
  scopes: string[]
  createdAt: string
  expiresAt: string
  usedAt: string | null
}

/** The reader's own tokens with scopes. */
export function useTokens() {
  return useQuery({
    queryKey: TOKENS_KEY,
    queryFn: async ({ signal }) => (await ask<{ items: Scoped[] }>(TOKENS, { signal })).items.map(tokenOf),
  })
}

function tokenOf({ createdAt, usedAt, ...rest }: Scoped): Token {
  return { ...rest, issuedAt: createdAt, usedAt: usedAt ?? '' }
}

export function makeToken(draft: TokenDraft): Promise<{ token: string }> {
  const scopes = scopesOf(draft.scopes)
  const body = { name: draft.name, expiresIn: secondsOf(draft.lasts), ...(scopes.length > 0 ? { scopes } : {}) }
  return ask(TOKENS, { method: 'POST', body })
}

export function revokeToken(id: string): Promise<unknown> {
  return ask(pathOf(TOKENS, id), { method: 'DELETE' })
}

export function makeAccountToken(account: string, draft: TokenDraft): Promise<{ token: string }> {
  const body = { name: account, id: draft.name, expiresIn: secondsOf(draft.lasts) }
  return ask(`${pathOf(PATH, account)}/token`, { method: 'POST', body })
}

export function revokeAccountToken(account: string, id: string): Promise<unknown> {
  return ask(pathOf(PATH, account, 'token', id), { method: 'DELETE' })
}

export interface PasswordDraft {
  currentPassword: string
  newPassword: string
  again: string
}

export const EMPTY: PasswordDraft = { currentPassword: '', newPassword: '', again: '' }

/** `isAsked`: whether the reader's own password is asked for, which only accounts have. */
export function checkPassword(draft: PasswordDraft, isAsked: boolean): Problems<PasswordDraft> {
  return {
    currentPassword: isAsked && draft.currentPassword === '' ? 'problem-needed' : undefined,
    newPassword: draft.newPassword.length < 8 ? 'problem-short' : undefined,
    again: draft.again === draft.newPassword ? undefined : 'problem-same',
  }
}

export function fieldOf(error: ApiError): keyof PasswordDraft | undefined {
  if (error.code === 'password-current-wrong') return 'currentPassword'
  return error.code.startsWith('password-') ? 'newPassword' : undefined
}

export function changePassword(name: string, draft: PasswordDraft): Promise<unknown> {
  const { currentPassword, newPassword } = draft
  return ask(`${PATH}/password`, { method: 'PUT', body: { name, currentPassword, newPassword } })
}
