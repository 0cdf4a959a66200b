/** What somebody is writing into a form: its values, what is wrong with them, and which of them the server refused. */
import { useState } from 'react'
import { ApiError } from '@/shared/api/client'
import { useWords } from '@/shared/words'
import { words } from './words'

export type Problem = Extract<keyof (typeof words)['en'], `problem-${string}`>
export type Problems<Draft> = Partial<Record<keyof Draft, Problem>>

export interface DraftOf<Draft> {
  values: Draft
  set: (change: Partial<Draft>) => void
  /** What stands beside a field; nothing before the form was sent once. */
  problemOf: (field: keyof Draft) => string | undefined
  /** Whether the server's refusal is shown at a field. */
  isAtField: boolean
  /** Runs `submit` where nothing is wrong. */
  send: (submit: (values: Draft) => void) => void
}

export function useDraft<Draft extends object>(
  initial: Draft,
  check: (values: Draft) => Problems<Draft>,
  error: unknown = null,
  fieldOf: (error: ApiError) => keyof Draft | undefined = () => undefined,
): DraftOf<Draft> {
  const say = useWords(words)
  const [values, setValues] = useState(initial)
  const [isTried, setTried] = useState(false)
  const problems = check(values)
  const refused = error instanceof ApiError ? fieldOf(error) : undefined
  return {
    values,
    set: (change) => setValues({ ...values, ...change }),
    problemOf: (field) => {
      const own = problems[field]
      if (isTried && own) return say(own)
      return field === refused && error instanceof ApiError ? sentenceOf(error) : undefined
    },
    isAtField: refused !== undefined,
    send: (submit) => {
      setTried(true)
      if (Object.values(problems).every((each) => each === undefined)) submit(values)
    },
  }
}

/** What the server said, with what to do next. */
export function sentenceOf(error: ApiError): string {
  return error.hint ? `${error.message} (${error.hint})` : error.message
}

/** The last part of the field that `field-unusable` names (`project.metadata.name` is `name`). */
export function fieldNamed(error: ApiError): string | undefined {
  const field = error.parameters['field']
  return error.code === 'field-unusable' && typeof field === 'string' ? field.split('.').at(-1) : undefined
}
