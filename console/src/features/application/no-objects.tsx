import { Empty } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from './model'
import { words } from './words'

/** Where objects would stand: when to expect them. */
export function NoObjects({ application }: { application: Application }) {
  const say = useWords(words)
  const isBroken = (application.status?.conditions ?? []).some(({ type }) => type.endsWith('Error'))
  return <Empty title={say('empty')}>{say(isBroken ? 'empty-broken' : 'empty-text')}</Empty>
}
