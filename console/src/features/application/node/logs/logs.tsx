/** The log of one Pod, or of all Pods below an object, as it grows. What is chosen lives in the URL. */
import { useMemo, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { AppRef } from '@/shared/api/types'
import { CommandHint, Failure, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { choiceOf, paramsOf } from './choice'
import { LogControls } from './controls'
import { filterOf, foldTraces, toText } from './lines'
import { LogList } from './list'
import styles from './logs.module.css'
import { type LogTarget, logsUrl, useLogs } from './reading'
import { words } from './words'

export function Logs({ app, target, containers }: { app: AppRef; target: LogTarget; containers: readonly string[] }) {
  const say = useWords(words)
  const notes = useNotes()
  const [params, setParams] = useSearchParams()
  const choice = useMemo(() => choiceOf(params), [params])
  const [filter, setFilter] = useState(choice.filter)
  const url = logsUrl(app, target, choice.options)
  const reading = useLogs(url)
  const test = useMemo(() => filterOf(filter), [filter])
  const lines = useMemo(() => reading.lines.filter(test.keeps), [reading.lines, test])
  const blocks = useMemo(() => foldTraces(lines), [lines])

  const change = (next: typeof choice) => {
    setFilter(next.filter)
    setParams((before) => paramsOf(before, next), { replace: true })
  }
  const copy = async () => {
    await navigator.clipboard.writeText(toText(lines, choice.showsTimes))
    notes.said(say('copied'))
  }
  return (
    <section className={styles['logs']} aria-label={say('logs')}>
      <LogControls
        choice={{ ...choice, filter }}
        onChange={change}
        containers={containers}
        problem={test.problem}
        onCopy={() => void copy()}
        onDownload={() => download(`${target.podName ?? target.resourceName ?? app.name}.log`, toText(lines, true))}
      />
      {reading.state === 'failed' ? (
        <Failure error={reading.error} />
      ) : (
        <LogList
          blocks={blocks}
          filter={filter}
          choice={choice}
          isLive={reading.state === 'reading' && choice.options.follow}
          onLink={(line) => change({ ...choice, filter, line })}
        />
      )}
      <footer className={styles['foot']} role="status">
        <span>{say('shown', { shown: lines.length, total: reading.lines.length })}</span>
        {reading.dropped > 0 && <span>{say('dropped', { n: reading.dropped })}</span>}
        <span>{say(reading.state === 'reading' ? 'reading' : 'ended')}</span>
        {reading.state === 'ended' && lines.length === 0 && (
          <strong>{say(reading.lines.length > 0 ? 'none-filtered' : 'none')}</strong>
        )}
      </footer>
      <CommandHint cli={commandOf(app, target, choice.options)} api={`GET ${url}`} />
    </section>
  )
}

function commandOf(app: AppRef, target: LogTarget, options: { follow: boolean; container: string; tailLines: number }) {
  const words = [`haori app logs ${app.namespace}/${app.name}`]
  if (target.kind && target.resourceName) words.push(`--kind ${target.kind} --name ${target.resourceName}`)
  if (target.podName) words.push(`--kind Pod --name ${target.podName}`)
  if (options.container) words.push(`--container ${options.container}`)
  if (options.follow) words.push('--follow')
  return [...words, `--tail ${options.tailLines}`].join(' ')
}

function download(name: string, text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
