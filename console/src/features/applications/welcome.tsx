import { useMutation, useQueryClient } from '@tanstack/react-query'
import { FlaskConical, GitBranch } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { useMay } from '@/shared/api/session'
import { Button, CommandHint, CommandLine, Failure, Field, Term, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { placeOf, ROWS } from './api'
import { checkDraft, create, createCommand, type Draft, type DraftField, EMPTY, objectOf, suggestName } from './connect'
import styles from './welcome.module.css'
import { words } from './words'

const EXAMPLE = 'haori up --data-dir ~/haori-example'
const EXAMPLE_END = 'haori down --data-dir ~/haori-example'

/** An installation without applications: where to begin. */
export function Welcome() {
  const say = useWords(words)
  return (
    <div className={styles['welcome']}>
      <header>
        <h2>{say('welcome')}</h2>
        <p>{say('welcome-lead')}</p>
        <p className={styles['words']}>
          {say('welcome-words')} <Term name="application">{say('word-application')}</Term>{' '}
          <Term name="sync">{say('word-sync')}</Term> <Term name="health">{say('word-health')}</Term>
        </p>
      </header>
      <div className={styles['ways']}>
        <section className={styles['way']} aria-labelledby="connect">
          <h3 id="connect">
            <GitBranch size={18} aria-hidden /> {say('connect')}
          </h3>
          <p>{say('connect-about')}</p>
          <Connect />
        </section>
        <section className={styles['way']} aria-labelledby="example">
          <h3 id="example">
            <FlaskConical size={18} aria-hidden /> {say('example')}
          </h3>
          <p>{say('example-about')}</p>
          <p>{say('example-run')}</p>
          <CommandLine text={EXAMPLE} />
          <p>{say('example-then')}</p>
          <CommandLine text={EXAMPLE_END} />
        </section>
      </div>
    </div>
  )
}

function Connect() {
  const say = useWords(words)
  const [draft, setDraft] = useState<Draft>(EMPTY)
  const [isSent, setSent] = useState(false)
  const create = useCreate(draft)
  const problems = checkDraft(draft)
  const may = useMay('applications', 'create', objectOf(draft))
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    setSent(true)
    if (Object.keys(problems).length === 0 && may !== false) create.mutate()
  }
  const set = (change: Partial<Draft>) => setDraft(follow(draft, change))
  const field = (name: DraftField, hint?: string) => {
    const problem = problems[name]
    return (
      <Field label={say(`connect-${name}`)} hint={hint} problem={isSent && problem ? say(problem) : undefined}>
        <input
          type="text"
          value={draft[name]}
          autoComplete="off"
          spellCheck={false}
          aria-invalid={isSent && problem !== undefined}
          onChange={(event) => set({ [name]: event.target.value })}
        />
      </Field>
    )
  }
  return (
    <form className={styles['form']} onSubmit={onSubmit} noValidate>
      {field('url')}
      <div className={styles['pair']}>
        {field('path', say('connect-path-hint'))}
        {field('revision', say('connect-revision-hint'))}
        {field('name')}
        {field('namespace')}
      </div>
      <label>
        <input
          type="checkbox"
          checked={draft.isAutomated}
          onChange={(event) => set({ isAutomated: event.target.checked })}
        />{' '}
        {say('connect-auto')}
      </label>
      {create.error && <Failure error={create.error} />}
      <Button
        type="submit"
        look="primary"
        disabled={create.isPending}
        reason={may === false ? say('lack', { object: objectOf(draft) }) : undefined}
      >
        {say('connect-start')}
      </Button>
      <Private />
      <CommandHint cli={createCommand(draft)} api="POST /api/v1/applications" />
    </form>
  )
}

/** The draft after a change; the name and the namespace follow what they stand for until somebody writes them. */
export function follow(draft: Draft, change: Partial<Draft>): Draft {
  const after = { ...draft, ...change }
  const before = suggestName(draft.url, draft.path)
  if (change.name === undefined && draft.name === before) after.name = suggestName(after.url, after.path)
  if (change.namespace === undefined && draft.namespace === draft.name) after.namespace = after.name
  return after
}

function useCreate(draft: Draft) {
  const say = useWords(words)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const notes = useNotes()
  return useMutation({
    mutationFn: () => create(draft),
    onSuccess: async () => {
      notes.said(say('connect-done', { name: draft.name }))
      await queries.invalidateQueries({ queryKey: ROWS })
      await navigate(placeOf({ namespace: 'argocd', name: draft.name }))
    },
  })
}

function Private() {
  const say = useWords(words)
  const [before = '', after = ''] = say('connect-private').split('{link}')
  return (
    <p className={styles['private']}>
      {before}
      <Link to="/settings/repositories">{say('connect-private-link')}</Link>
      {after}
    </p>
  )
}
