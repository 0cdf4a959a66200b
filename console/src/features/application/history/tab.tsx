import { useAddress } from '@/shared/address'
import { useExported } from '@/shared/exporting'
import { Empty, Loaded } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import { useReleases } from './api'
import { Comparison } from './comparison'
import { RollbackDialog } from './dialog'
import { Releases } from './releases'
import { parseComparison } from './rollback'
import { words } from './words'

/** What was released, newest first: who, when, which commit, what changed; two of them compared; the way back. */
export function HistoryTab({ application }: { application: Application }) {
  const say = useWords(words)
  const { params, put } = useAddress()
  const releases = useReleases(application.metadata)
  useExported(`${application.metadata.name}-history`, releases.data)
  const compared = parseComparison(params.get('compare'))
  const to = params.get('to')
  const set = (name: string, value: string) => put({ [name]: value }, 'step')
  return (
    <>
      {compared ? (
        <Comparison application={application} {...compared} onBack={() => set('compare', '')} />
      ) : (
        <Loaded query={releases}>
          {(items) =>
            items.length === 0 ? (
              <Empty title={say('none')}>
                <p>{say('none-text')}</p>
              </Empty>
            ) : (
              <Releases
                application={application}
                items={items}
                onRollback={(id) => set('to', String(id))}
                onCompare={(pair) => set('compare', pair)}
              />
            )
          }
        </Loaded>
      )}
      {to !== null && (
        <RollbackDialog
          key={to}
          application={application}
          named={to}
          releases={releases.data ?? []}
          onClose={() => set('to', '')}
        />
      )}
    </>
  )
}
