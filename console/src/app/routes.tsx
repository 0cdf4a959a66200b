import type { RouteObject } from 'react-router'
import { Navigate } from 'react-router'
import { Loading } from '@/shared/ui'
import { Broken, NotFound } from './fallback'
import { Shell } from './shell'

/** Every page, loaded when it is first visited. A page's module exports `Component`. */
export const routes: RouteObject[] = [
  {
    path: '/sign-in',
    lazy: () => import('@/features/sign-in/page'),
    errorElement: <Broken />,
    hydrateFallbackElement: <Loading />,
  },
  {
    path: '/',
    element: <Shell />,
    errorElement: <Broken />,
    hydrateFallbackElement: <Loading />,
    children: [
      { index: true, element: <Navigate to="/applications" replace /> },
      { path: 'applications', lazy: () => import('@/features/applications/page') },
      { path: 'applications/:namespace/:name/:tab?', lazy: () => import('@/features/application/page') },
      { path: 'board', lazy: () => import('@/features/board/page') },
      { path: 'search', lazy: () => import('@/features/search/page') },
      { path: 'clusters', lazy: () => import('@/features/clusters/page') },
      { path: 'engine', lazy: () => import('@/features/engine/page') },
      { path: 'audit', lazy: () => import('@/features/audit/page') },
      {
        path: 'settings',
        children: [
          { index: true, element: <Navigate to="/settings/repositories" replace /> },
          { path: 'repositories', lazy: () => import('@/features/settings/repositories/page') },
          { path: 'credentials', lazy: () => import('@/features/settings/repositories/templates') },
          { path: 'clusters', lazy: () => import('@/features/settings/clusters/page') },
          { path: 'projects', lazy: () => import('@/features/settings/projects/page') },
          { path: 'projects/:name', lazy: () => import('@/features/settings/projects/project') },
          { path: 'certificates', lazy: () => import('@/features/settings/certificates/page') },
          { path: 'accounts', lazy: () => import('@/features/settings/accounts/page') },
          { path: 'appearance', lazy: () => import('@/features/settings/appearance/page') },
        ],
      },
      { path: '*', element: <NotFound /> },
    ],
  },
]
