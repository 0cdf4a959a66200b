/** A shell in a container of a Pod, where the installation and the reader's rights allow it. */
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { ask } from '@/shared/api/client'
import { useMay } from '@/shared/api/session'
import type { AppRef } from '@/shared/api/types'
import { Button, CommandHint, Empty, Field, Loaded, Loading } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type Application, policyName } from '../../model'
import type { Node } from '../../nodes'
import { useControlNamespace } from '../../queries'
import type { ContainerFacts } from '../containers'
import styles from './terminal.module.css'
import { words } from './words'

const Screen = lazy(() => import('./screen'))

interface Place {
  app: AppRef
  application: Application
  node: Node
  containers: readonly ContainerFacts[]
}

export function TerminalPart(props: Place) {
  const say = useWords(words)
  const settings = useQuery({
    queryKey: ['settings', 'exec'],
    queryFn: ({ signal }) => ask<{ execEnabled?: boolean }>('/api/v1/settings', { signal }),
  })
  return (
    <Loaded query={settings}>
      {({ execEnabled }) =>
        execEnabled ? <Terminals {...props} /> : <Empty title={say('off')}>{say('off-how')}</Empty>
      }
    </Loaded>
  )
}

/** Counts up with every terminal that is opened, so that each begins on a screen of its own. */
function Terminals({ app, application, node, containers }: Place) {
  const say = useWords(words)
  const name = policyName(application, useControlNamespace())
  const may = useMay('exec', 'create', name)
  const running = containers.filter((each) => each.state === 'running')
  const [container, setContainer] = useState(running[0]?.name ?? '')
  const [opened, setOpened] = useState(0)
  const [state, setState] = useState<'none' | 'connecting' | 'connected' | 'ended' | 'refused'>('none')
  const open = () => {
    setOpened(opened + 1)
    setState('connecting')
  }
  const reason =
    may === false
      ? say('lacks', { permission: `exec, create, ${name}` })
      : container === ''
        ? say('not-running')
        : undefined
  const isOver = state === 'ended' || state === 'refused'
  const place = {
    pod: node.name,
    container,
    namespace: node.namespace,
    appName: app.name,
    appNamespace: app.namespace,
    projectName: application.spec.project ?? 'default',
  }
  return (
    <div className={styles['terminal']}>
      {(state === 'none' || isOver) && (
        <>
          <p>{say('lead')}</p>
          <div className={styles['choice']}>
            <Field label={say('container')}>
              <select value={container} onChange={(event) => setContainer(event.target.value)}>
                {running.map((each) => (
                  <option key={each.name}>{each.name}</option>
                ))}
              </select>
            </Field>
            <Button look="primary" reason={reason} onClick={open}>
              {say(isOver ? 'again' : 'open')}
            </Button>
          </div>
          {reason && <p>{reason}</p>}
        </>
      )}
      {state !== 'none' && <p role="status">{say(state, { container })}</p>}
      {opened > 0 && (
        <Suspense fallback={<Loading />}>
          <Screen
            key={opened}
            place={place}
            label={say('terminal')}
            onOpen={() => setState('connected')}
            onEnd={(wasOpen) => setState(wasOpen ? 'ended' : 'refused')}
          />
        </Suspense>
      )}
      <CommandHint cli={`kubectl -n ${node.namespace} exec -it ${node.name} -c ${container || 'CONTAINER'} -- sh`} />
    </div>
  )
}
