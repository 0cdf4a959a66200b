/**
 * Every page: where it is, how it is loaded, what it will ask the server for. An address is enough to begin with all of it
 * at once, before the program that shows it has been read (`start.ts`); routes are made of the same table.
 */
import type { QueryClient } from '@tanstack/react-query'
import type { ComponentType } from 'react'
import { begin as beginApplication } from '@/features/application/begin'
import { begin as beginApplications } from '@/features/applications/api'

export interface Place {
  parameters: Readonly<Record<string, string | undefined>>
  search: URLSearchParams
}

export interface PageEntry {
  /** As a route has it: `:name` is a parameter, `?` ends one that may lack. */
  path: string
  load: () => Promise<{ Component: ComponentType }>
  /** Asks for what the page shows first. What is waited for has to be there before the page is. */
  begin?: (queries: QueryClient, place: Place) => Promise<unknown>
}

export const SIGN_IN: PageEntry = { path: '/sign-in', load: () => import('@/features/sign-in/page') }

/** The pages that stand in the shell. */
export const PAGES: readonly PageEntry[] = [
  { path: '/applications', load: () => import('@/features/applications/page'), begin: beginApplications },
  {
    path: '/applications/:namespace/:name/:tab?',
    load: () => import('@/features/application/page'),
    begin: beginApplication,
  },
  { path: '/board', load: () => import('@/features/board/page') },
  { path: '/search', load: () => import('@/features/search/page') },
  { path: '/clusters', load: () => import('@/features/clusters/page') },
  { path: '/engine', load: () => import('@/features/engine/page') },
  { path: '/audit', load: () => import('@/features/audit/page') },
  { path: '/settings/repositories', load: () => import('@/features/settings/repositories/page') },
  { path: '/settings/credentials', load: () => import('@/features/settings/repositories/templates') },
  { path: '/settings/clusters', load: () => import('@/features/settings/clusters/page') },
  { path: '/settings/projects', load: () => import('@/features/settings/projects/page') },
  { path: '/settings/projects/:name', load: () => import('@/features/settings/projects/project') },
  { path: '/settings/certificates', load: () => import('@/features/settings/certificates/page') },
  { path: '/settings/accounts', load: () => import('@/features/settings/accounts/page') },
  { path: '/settings/appearance', load: () => import('@/features/settings/appearance/page') },
]

/** The page at `pathname` with its parameters, null where there is none. */
export function findPage(
  pathname: string,
  pages: readonly PageEntry[] = PAGES,
): { page: PageEntry; parameters: Record<string, string> } | null {
  for (const page of pages) {
    const parameters = matchPath(page.path, pathname)
    if (parameters) return { page, parameters }
  }
  return null
}

/** The router decides by rules of its own; this one knows what the table above is made of, and never throws. */
function matchPath(path: string, pathname: string): Record<string, string> | null {
  const wanted = path.split('/').slice(1)
  const found = pathname.split('/').slice(1)
  if (found.at(-1) === '') found.pop()
  if (found.length > wanted.length) return null
  const parameters: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const segment = found[index]
    if (segment === undefined) {
      if (!part.endsWith('?')) return null
    } else if (part.startsWith(':')) {
      const value = decode(segment)
      if (value === null) return null
      parameters[part.replace(/^:|\?$/g, '')] = value
    } else if (part !== segment) return null
  }
  return parameters
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null // The router shows such an address as it does any that is no page's.
  }
}
