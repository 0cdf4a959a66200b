import type { RouteObject } from 'react-router'
import { Navigate } from 'react-router'
import { Loading } from '@/shared/ui'
import { Broken, NotFound } from './fallback'
import { PAGES, type PageEntry, SIGN_IN } from './pages'
import { queries } from './queries'
import { Shell } from './shell'

/** Every page, loaded when it is first visited. A page's module exports `Component`. */
export const routes: RouteObject[] = [
  { ...routeOf(SIGN_IN), errorElement: <Broken />, hydrateFallbackElement: <Loading /> },
  {
    path: '/',
    element: <Shell />,
    errorElement: <Broken />,
    hydrateFallbackElement: <Loading />,
    children: [
      { index: true, element: <Navigate to="/applications" replace /> },
      { path: 'settings', element: <Navigate to="/settings/repositories" replace /> },
      ...PAGES.map(routeOf),
      { path: '*', element: <NotFound /> },
    ],
  },
]

/** A page is asked for and what it shows is, both at once. */
function routeOf({ path, load, begin }: PageEntry): RouteObject {
  if (!begin) return { path, lazy: load }
  return {
    path,
    lazy: load,
    loader: async ({ params, request }) => {
      await begin(queries, { parameters: params, search: new URL(request.url).searchParams })
      return null
    },
    // What is chosen or filtered stands in the query: the page, which is there, asks for that itself.
    shouldRevalidate: ({ currentUrl, nextUrl }) => currentUrl.pathname !== nextUrl.pathname,
  }
}
