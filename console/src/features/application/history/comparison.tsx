import { ArrowLeft } from 'lucide-react'
import { Button, CommandHint, Empty, Loaded } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { DifferingObjects, type ShownObject, type Sides } from '../diff/objects'
import type { Application } from '../model'
import { type Compared, useComparison } from './api'
import styles from './comparison.module.css'
import { words } from './words'

/** Two releases beside each other, or one and what Git wants now. */
export function Comparison({
  application,
  from,
  to,
  onBack,
}: {
  application: Application
  from: number
  to: number | null
  onBack: () => void
}) {
  const say = useWords(words)
  const { name, namespace } = application.metadata
  const comparison = useComparison(application.metadata, from, to)
  const other = to === null ? say('now') : say('release', { id: to })
  const sides: Sides = {
    left: say('release', { id: from }),
    right: other,
    states: { changed: say('state-changed'), missing: say('state-missing'), extra: say('state-extra') },
  }
  const query = `from=${from}${to === null ? '' : `&to=${to}`}&appNamespace=${namespace}`
  return (
    <section className={styles['comparison']} aria-label={say('comparing', { from, to: other })}>
      <div className={styles['head']}>
        <Button look="quiet" onClick={onBack}>
          <ArrowLeft size={15} aria-hidden />
          {say('back')}
        </Button>
        <h2>{say('comparing', { from, to: other })}</h2>
      </div>
      <Loaded query={comparison}>
        {(items) =>
          items.length === 0 ? (
            <Empty title={say('compare-same')} />
          ) : (
            <DifferingObjects items={items.map(shownOf)} sides={sides} />
          )
        }
      </Loaded>
      <CommandHint cli={`haori app history ${name}`} api={`GET /api/haori/v1/applications/${name}/compare?${query}`} />
    </section>
  )
}

function shownOf({ change, from, to, ...name }: Compared): ShownObject {
  const state = change === 'added' ? 'missing' : change === 'removed' ? 'extra' : 'changed'
  return { ...name, live: from, desired: to, differences: null, state }
}
