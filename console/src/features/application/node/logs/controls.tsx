import { CaseSensitive, Clock, Copy, Download, FilterX, Regex, WrapText } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { LogChoice } from './choice'
import type { LineFilter } from './lines'
import styles from './logs.module.css'
import type { LogOptions } from './reading'
import { words } from './words'

const TAILS = [100, 500, 1000, 5000, 20_000]
const SINCE_SECONDS = [0, 300, 900, 3600, 6 * 3600, 24 * 3600]

/** The choices above a log. */
export function LogControls({
  choice,
  onChange,
  containers,
  problem,
  onCopy,
  onDownload,
}: {
  choice: LogChoice
  onChange: (choice: LogChoice) => void
  containers: readonly string[]
  problem: string
  onCopy: () => void
  onDownload: () => void
}) {
  const say = useWords(words)
  const { options, filter } = choice
  const option = (changes: Partial<LogOptions>) => onChange({ ...choice, options: { ...options, ...changes } })
  const filtered = (changes: Partial<LineFilter>) => onChange({ ...choice, filter: { ...filter, ...changes } })
  return (
    <div className={styles['controls']} role="toolbar" aria-label={say('logs')}>
      <select
        aria-label={say('container')}
        value={options.container}
        onChange={(event) => option({ container: event.target.value })}
      >
        <option value="">{say('all-containers')}</option>
        {containers.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <select
        aria-label={say('tail')}
        value={options.tailLines}
        onChange={(event) => option({ tailLines: Number(event.target.value) })}
      >
        {TAILS.map((count) => (
          <option key={count} value={count}>
            {say('tail')}: {count}
          </option>
        ))}
      </select>
      <select
        aria-label={say('since')}
        value={options.sinceSeconds}
        onChange={(event) => option({ sinceSeconds: Number(event.target.value) })}
      >
        {SINCE_SECONDS.map((seconds) => (
          <option key={seconds} value={seconds}>
            {sinceText(say, seconds)}
          </option>
        ))}
      </select>
      <Check label={say('follow')} isOn={options.follow} onChange={(follow) => option({ follow, previous: false })} />
      <Check
        label={say('previous')}
        isOn={options.previous}
        onChange={(previous) => option({ previous, follow: !previous })}
      />
      <span className={styles['filter']}>
        <input
          type="search"
          aria-label={say('filter')}
          placeholder={say('filter')}
          aria-invalid={problem !== ''}
          title={problem || undefined}
          value={filter.text}
          onChange={(event) => filtered({ text: event.target.value })}
        />
        <Toggle label={say('regex')} isOn={filter.isRegex} onChange={(isRegex) => filtered({ isRegex })}>
          <Regex size={16} aria-hidden />
        </Toggle>
        <Toggle label={say('case')} isOn={filter.matchesCase} onChange={(matchesCase) => filtered({ matchesCase })}>
          <CaseSensitive size={16} aria-hidden />
        </Toggle>
        <Toggle label={say('invert')} isOn={filter.isInverted} onChange={(isInverted) => filtered({ isInverted })}>
          <FilterX size={16} aria-hidden />
        </Toggle>
      </span>
      <span className={styles['tools']}>
        <Toggle
          label={say('times')}
          isOn={choice.showsTimes}
          onChange={(showsTimes) => onChange({ ...choice, showsTimes })}
        >
          <Clock size={16} aria-hidden />
        </Toggle>
        <Toggle label={say('wrap')} isOn={choice.wraps} onChange={(wraps) => onChange({ ...choice, wraps })}>
          <WrapText size={16} aria-hidden />
        </Toggle>
        <IconButton label={say('copy')} onClick={onCopy}>
          <Copy size={16} aria-hidden />
        </IconButton>
        <IconButton label={say('download')} onClick={onDownload}>
          <Download size={16} aria-hidden />
        </IconButton>
      </span>
      {problem && (
        <p role="alert" className={styles['problem']}>
          {problem}
        </p>
      )}
    </div>
  )
}

function sinceText(say: ReturnType<typeof useWords<keyof (typeof words)['en']>>, seconds: number): string {
  const from =
    seconds === 0
      ? say('since-all')
      : seconds < 3600
        ? say('since-minutes', { n: seconds / 60 })
        : say('since-hours', { n: seconds / 3600 })
  return `${say('since')}: ${from}`
}

function Check({ label, isOn, onChange }: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <label className={styles['check']}>
      <input type="checkbox" checked={isOn} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  )
}

function Toggle({
  label,
  isOn,
  onChange,
  children,
}: {
  label: string
  isOn: boolean
  onChange: (isOn: boolean) => void
  children: ReactNode
}) {
  return (
    <IconButton label={label} aria-pressed={isOn} onClick={() => onChange(!isOn)}>
      {children}
    </IconButton>
  )
}
