import { useQuery } from '@tanstack/react-query'
import { ask } from '@/shared/api/client'

interface Settings {
  oidcConfig?: { name?: string } | null
  userLoginsDisabled?: boolean
}

/** What the page of signing in has to know before anybody is signed in. */
export function useSettings() {
  return useQuery({ queryKey: ['settings'], queryFn: ({ signal }) => ask<Settings>('/api/v1/settings', { signal }) })
}

export function signIn(username: string, password: string): Promise<unknown> {
  return ask('/api/v1/session', { method: 'POST', body: { username, password } })
}

export function exchangeLink(code: string): Promise<unknown> {
  return ask('/api/haori/v1/session/link', { method: 'POST', body: { code } })
}

/** The code of a one-time link: it stands in the fragment, which browsers never send to a server. */
export function codeOf(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, '')).get('code')
}

/** Where to go after signing in: a path of this console, never another host. */
export function destinationOf(query: string): string {
  const to = new URLSearchParams(query).get('to') ?? '/'
  const here = window.location.origin
  // Browsers pass over tabs and line ends and read \ as /: what counts is where they would go.
  return /^\/(?!\/)/.test(to) && URL.canParse(to, here) && new URL(to, here).origin === here ? to : '/'
}
