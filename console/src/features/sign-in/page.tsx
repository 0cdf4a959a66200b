import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import { USER } from '@/shared/api/session'
import { Button, CommandLine, Failure, Field, Loading } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { codeOf, destinationOf, exchangeLink, signIn, useSettings } from './api'
import styles from './page.module.css'
import { words } from './words'

/** Signing in: by a one-time link, by an account, by the identity provider. */
export function Component() {
  const say = useWords(words)
  useEffect(() => {
    document.title = `${say('title')} · Haori`
  })
  return (
    <main className={styles['page']}>
      <div className={styles['card']}>
        <img src="/icon.svg" alt="" width={48} height={48} />
        <h1>Haori</h1>
        <p className={styles['lead']}>{say('lead')}</p>
        <Ways />
      </div>
    </main>
  )
}

function useEnter<Argument>(enter: (argument: Argument) => Promise<unknown>) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const place = useLocation()
  return useMutation({
    mutationFn: enter,
    onSuccess: async () => {
      // What was known of nobody would send the reader back here at once.
      queries.removeQueries({ queryKey: USER })
      await navigate(destinationOf(place.search), { replace: true })
    },
  })
}

function Ways() {
  const say = useWords(words)
  const place = useLocation()
  const link = useEnter(exchangeLink)
  const code = useRef(codeOf(place.hash))
  const exchange = link.mutate
  useEffect(() => {
    if (code.current === null) return
    // The code is good once: it leaves the address bar and the history before it is used.
    window.history.replaceState(window.history.state, '', place.pathname + place.search)
    exchange(code.current)
    code.current = null
  }, [exchange, place.pathname, place.search])
  if (link.isPending || link.isSuccess) {
    return (
      <>
        <p>{say('link')}</p>
        <Loading />
      </>
    )
  }
  return (
    <>
      {link.error && (
        <p role="alert" className={styles['refused']}>
          {say('link-failed')}
        </p>
      )}
      <Provider />
      <Account />
      <Help />
    </>
  )
}

const LINK = 'haori open'
const LINK_OF_CLUSTER = 'kubectl -n argocd exec deployment/haori-server -- haori open --no-browser'
const PASSWORD =
  "kubectl -n argocd get secret argocd-initial-admin-secret -o jsonpath='{.data.password}' | base64 -d; echo"

/** How to get in, for who is here the first time: the same words for every installation. */
function Help() {
  const say = useWords(words)
  return (
    <section className={styles['help']} aria-labelledby="help">
      <h2 id="help">{say('help')}</h2>
      <p>{say('help-link')}</p>
      <CommandLine text={LINK} />
      <p>{say('help-cluster')}</p>
      <CommandLine text={LINK_OF_CLUSTER} />
      <p>{say('help-password')}</p>
      <CommandLine text={PASSWORD} />
      <p>{say('help-else')}</p>
    </section>
  )
}

function Provider() {
  const say = useWords(words)
  const place = useLocation()
  const provider = useSettings().data?.oidcConfig
  if (!provider) return null
  const back = encodeURIComponent(window.location.origin + destinationOf(place.search))
  return (
    <>
      <a className={styles['provider']} href={`/auth/login?return_url=${back}`}>
        {say('provider', { name: provider.name || 'OIDC' })}
      </a>
      <p className={styles['or']}>{say('or')}</p>
    </>
  )
}

function Account() {
  const say = useWords(words)
  const [username, setUsername] = useState('admin')
  const [password, setPassword] = useState('')
  const enter = useEnter(() => signIn(username, password))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    enter.mutate(undefined)
  }
  return (
    <form className={styles['form']} onSubmit={submit}>
      <Field label={say('username')}>
        <input
          name="username"
          autoComplete="username"
          required
          value={username}
          onChange={(event) => setUsername(event.target.value)}
        />
      </Field>
      <Field label={say('password')}>
        <input
          name="password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
      {enter.error && <Failure error={enter.error} />}
      <Button type="submit" look="primary" disabled={enter.isPending}>
        {say('submit')}
      </Button>
    </form>
  )
}
