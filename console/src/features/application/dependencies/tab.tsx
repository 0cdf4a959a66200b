import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, ArrowRight, XCircle } from 'lucide-react'
import type { ReactNode } from 'react'
import { useAddress } from '@/shared/address'
import { useExported } from '@/shared/exporting'
import { Card, Empty, Loaded, Mark } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import { useTree } from '../nodes'
import { type Known, knownOf, ObjectTile } from '../object-tile'
import { askOwn, keyOf as queryOf } from '../queries'
import { useAppRef } from '../reference'
import { isLacking, keyOf, type Named, type Need, neededOf, type User, usersOf } from './needs'
import styles from './tab.module.css'
import { words } from './words'

const OFTEN_MS = 10_000

/** What the objects of the application need, whether it is there, and the other way round: who needs it. */
export function DependenciesTab(_: { application: Application }) {
  const app = useAppRef()
  const tree = useTree(app)
  const told = useQuery({
    queryKey: queryOf(app, 'dependencies'),
    queryFn: ({ signal }) => askOwn<{ items: User[] }>(app, ['dependencies'], { signal }),
    refetchInterval: OFTEN_MS,
  })
  useExported(
    `${app.name}-dependencies`,
    told.data?.items.flatMap(({ needs, kind, namespace, name }) =>
      needs.map((need) => ({ user: keyOf({ uid: '', kind, namespace, name }), ...need })),
    ),
  )
  return <Loaded query={told}>{({ items }) => <Dependencies users={items} known={knownOf(tree.data)} />}</Loaded>
}

function Dependencies({ users, known }: { users: readonly User[]; known: Known }) {
  const say = useWords(words)
  const { params, put } = useAddress()
  const isTurned = params.get('by') === 'needed'
  if (users.length === 0) return <Empty title={say('none')}>{say('none-text')}</Empty>
  const needed = neededOf(users)
  const lacking = needed.filter(({ need }) => isLacking(need)).length
  return (
    <div className={styles['tab']}>
      <div className={styles['tools']}>
        <label>
          {say('by')}{' '}
          <select value={isTurned ? 'needed' : ''} onChange={(event) => put({ by: event.target.value })}>
            <option value="">{say('users')}</option>
            <option value="needed">{say('needed')}</option>
          </select>
        </label>
        <span role="status">
          {lacking > 0 ? (
            <Mark tone="bad" icon={XCircle}>
              {say('lacking', { n: lacking })}
            </Mark>
          ) : (
            say('all-there')
          )}
        </span>
      </div>
      {isTurned
        ? needed.map(({ need, users: by }) => (
            <Pair
              key={keyOf(need)}
              label={say('needed-by', { name: need.name })}
              head={<NeedTile need={need} known={known} />}
              isTurned
            >
              {by.map((user) => (
                <ObjectTile key={keyOf(user)} node={user} known={known}>
                  {user.ways.map((way) => say(way)).join(' · ')}
                </ObjectTile>
              ))}
            </Pair>
          ))
        : usersOf(users).map((user) => (
            <Pair
              key={keyOf(user)}
              label={say('needs', { name: user.name })}
              head={<ObjectTile node={user satisfies Named} known={known} />}
            >
              {user.needs.map((need) => (
                <NeedTile key={keyOf(need)} need={need} known={known} hasWays />
              ))}
            </Pair>
          ))}
    </div>
  )
}

function Pair({
  label,
  head,
  isTurned = false,
  children,
}: {
  label: string
  head: ReactNode
  isTurned?: boolean
  children: ReactNode
}) {
  const Arrow = isTurned ? ArrowLeft : ArrowRight
  return (
    <Card className={styles['pair']} aria-label={label}>
      {head}
      <Arrow size={18} className={styles['arrow']} aria-hidden />
      <div className={styles['needs']}>{children}</div>
    </Card>
  )
}

function NeedTile({ need, known, hasWays = false }: { need: Need; known: Known; hasWays?: boolean }) {
  const say = useWords(words)
  const isGone = need.state === 'missing'
  const state = need.state === 'here' ? '' : say(isGone && need.optional ? 'optional' : need.state)
  return (
    <ObjectTile node={need} known={known}>
      {hasWays && need.ways.map((way) => say(way)).join(' · ')}
      {hasWays && state && ' · '}
      {isLacking(need) ? (
        <Mark tone="bad" icon={XCircle} size={14}>
          {state}
        </Mark>
      ) : (
        state
      )}
    </ObjectTile>
  )
}
