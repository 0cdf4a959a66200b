/** Shapes that several features read; the server's OpenAPI document (/openapi.json) is their source. */

/** A sentence of the server, already in the reader's language. */
export interface Sentence {
  code: string
  text: string
  hint?: string
  parameters?: Record<string, unknown>
}

/** What every list says of an application. */
export interface ApplicationFacts {
  namespace: string
  project: string
  cluster: string
  destinationNamespace: string
  repo: string
  path: string
  revision: string
  targetRevision: string
  sync: string
  health: string
  phase: string
  why: Sentence | null
  pinned: boolean
  images: readonly string[]
}

/** One application in a list (`GET /api/haori/v1/applications`). */
export interface Row extends ApplicationFacts {
  name: string
  reconciledAt: string
  labels: Record<string, string>
  /** The application that declares it, empty where none does. */
  parent: string
}

export interface User {
  loggedIn: boolean
  username?: string
  iss?: string
  groups?: string[]
}

/** Which application is meant; its page is /applications/NAMESPACE/NAME. */
export interface AppRef {
  namespace: string
  name: string
}
