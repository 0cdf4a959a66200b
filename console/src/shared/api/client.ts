/**
 * The one way to the server. Every failure becomes an `ApiError` that carries what the server said: a sentence in the
 * reader's language, a stable code, and what to do next (docs/http-api.md, "When it says no").
 */
import { currentLanguage } from '@/shared/words'

export class ApiError extends Error {
  /** HTTP status; 0: no answer came. */
  readonly status: number
  /** Kebab-case code of the sentence, empty where the answer was not the server's own. */
  readonly code: string
  readonly hint: string
  /** What the sentence speaks of, such as `field`. */
  readonly parameters: Readonly<Record<string, unknown>>

  constructor(
    status: number,
    message: string,
    code = '',
    hint = '',
    parameters: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.hint = hint
    this.parameters = parameters
  }
}

export type Query = Record<string, string | number | boolean | readonly string[] | undefined>
export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Query
  body?: unknown
  signal?: AbortSignal
  contentType?: string
  /** An answer that goes on: it has no deadline, only `signal` ends it. */
  isStream?: boolean
}

const SECONDS = 130

/** `path` with a query; empty and absent values are left out, lists are repeated. */
export function urlOf(path: string, query: Query = {}): string {
  const pairs = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '' || value === false) continue
    for (const each of Array.isArray(value) ? value : [value]) pairs.append(name, String(each))
  }
  const text = pairs.toString()
  return text ? `${path}?${text}` : path
}

/** The path of joined segments, each encoded: names of repositories and clusters hold slashes. */
export function pathOf(...segments: string[]): string {
  return segments.map((each, index) => (index === 0 ? each : encodeURIComponent(each))).join('/')
}

/** The answer's JSON (undefined for an empty answer). Raises ApiError. */
export async function ask<Answer>(path: string, request: Request = {}): Promise<Answer> {
  const response = await send(path, request)
  const text = await response.text()
  return (text ? JSON.parse(text) : undefined) as Answer
}

/** The answer as it is, for downloads and logs. Raises ApiError. */
export async function send(path: string, request: Request = {}): Promise<Response> {
  const ends = [request.signal, request.isStream ? undefined : AbortSignal.timeout(SECONDS * 1000)]
  const signal = AbortSignal.any(ends.filter((each) => each !== undefined))
  let response: Response
  try {
    response = await fetch(urlOf(path, request.query), {
      method: request.method ?? 'GET',
      headers: {
        'Accept-Language': currentLanguage(),
        'X-Haori-Request': 'console',
        ...(request.body === undefined ? {} : { 'Content-Type': request.contentType ?? 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal,
      credentials: 'same-origin',
    })
  } catch (error) {
    if (request.signal?.aborted) throw error
    throw new ApiError(0, error instanceof Error ? error.message : String(error))
  }
  if (!response.ok) throw await errorOf(response)
  return response
}

interface Told {
  code?: string
  hint?: string | null
  parameters?: Record<string, unknown>
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text()
  try {
    const said = JSON.parse(text) as { message?: string; error?: string; haori?: Told }
    const message = said.message ?? said.error ?? response.statusText
    const { code, hint, parameters } = said.haori ?? {}
    return new ApiError(response.status, message, code, hint ?? '', parameters)
  } catch {
    return new ApiError(response.status, text.slice(0, 300) || response.statusText)
  }
}
