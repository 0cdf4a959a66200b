import { useExported } from '@/shared/exporting'
import { Loaded, Page } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type Figures, shortSize, shortTime, type Times, useFigures } from './api'
import { Numbers } from './numbers'
import styles from './page.module.css'
import { Budget, Noisy, Renders, Slow } from './tables'
import { words } from './words'

/** The operations page: what waits, what is slow, what makes noise, what the clusters and caches bear. */
export function Component() {
  const say = useWords(words)
  const figures = useFigures()
  useExported('engine', figures.data && [figures.data])
  return (
    <Page title={say('title')} lead={say('lead')}>
      <Loaded query={figures}>{(data) => <Content figures={data} />}</Loaded>
    </Page>
  )
}

function Content({ figures }: { figures: Figures }) {
  const say = useWords(words)
  return (
    <>
      {figures.settings.length > 0 && (
        <section className={styles['problems']}>
          <h2>{say('settings')}</h2>
          <ul>
            {figures.settings.map((each) => (
              <li key={each.path}>
                <code>{each.path}</code>: {each.reason.text}
              </li>
            ))}
          </ul>
        </section>
      )}
      <Overview figures={figures} />
      <Queue figures={figures} />
      <Renders figures={figures} />
      <Slow figures={figures} />
      <Noisy figures={figures} />
      <Budget figures={figures} />
    </>
  )
}

function Overview({ figures }: { figures: Figures }) {
  const say = useWords(words)
  const state = figures.leading ? (figures.ready ? 'leading' : 'not-ready') : 'standby'
  return (
    <Numbers
      numbers={[
        [say('state'), say(state)],
        [say('applications'), figures.applications],
        [say('memory'), shortSize(figures.memoryBytes)],
        [say('lag'), shortTime(figures.lag.p99)],
        [say('isolation'), figures.isolation],
      ]}
    />
  )
}

function Queue({ figures }: { figures: Figures }) {
  const say = useWords(words)
  const { queue } = figures
  return (
    <section className={styles['section']}>
      <h2>{say('queue')}</h2>
      <p className={styles['lead']}>{say('queue-text')}</p>
      <Numbers
        numbers={[
          [say('waiting'), queue.waiting],
          [say('running'), queue.running],
          [say('later'), queue.later],
          [say('done'), queue.done],
          [say('waits'), useSpread(queue.waits)],
          [say('work'), useSpread(queue.work)],
        ]}
      />
    </section>
  )
}

function useSpread({ p50, p99 }: Times): string {
  return useWords(words)('median', { p50: shortTime(p50), p99: shortTime(p99) })
}
