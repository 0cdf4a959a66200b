import { Ago, Empty, Loaded, Page, Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useListing } from './api'
import { words } from './words'

export function Component() {
  const say = useWords(words)
  const listing = useListing()
  return (
    <Page title={say('title')} lead={listing.data && say('total', { total: listing.data.total })}>
      <Loaded query={listing}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={say('none')} />
          ) : (
            <ul>
              {items.map((row) => (
                <li key={`${row.namespace}/${row.name}`}>
                  {row.name} <Status value={row.sync} /> <Status value={row.health} /> <Ago at={row.reconciledAt} />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Page>
  )
}
