import type { RouteObject } from 'react-router'
import { Navigate } from 'react-router'
import { Broken, NotFound } from './fallback'
import { Shell } from './shell'

/** Every page, loaded when it is first visited. A page's module exports `Component`. */
export const routes: RouteObject[] = [
  { path: '/sign-in', lazy: () => import('@/features/sign-in/page'), errorElement: <Broken /> },
  {
    path: '/',
    element: <Shell />,
    errorElement: <Broken />,
    children: [
      { index: true, element: <Navigate to="/applications" replace /> },
      { path: 'applications', lazy: () => import('@/features/applications/page') },
      { path: '*', element: <NotFound /> },
    ],
  },
]
