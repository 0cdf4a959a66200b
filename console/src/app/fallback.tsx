import { Link, useRouteError } from 'react-router'
import { Empty, Failure, Page } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { words } from './words'

export function NotFound() {
  const say = useWords(words)
  return (
    <Page title={say('not-found')}>
      <Empty title={say('not-found-text')}>
        <Link to="/applications">{say('applications')}</Link>
      </Empty>
    </Page>
  )
}

/** A page that failed to load or to draw itself: most often the console was updated beneath an open tab. */
export function Broken() {
  const error = useRouteError()
  const say = useWords(words)
  return (
    <Page title={say('broken')}>
      <p>{say('broken-text')}</p>
      <Failure error={error} onRetry={() => window.location.reload()} />
    </Page>
  )
}
