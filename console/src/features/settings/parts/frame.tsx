import type { ReactNode } from 'react'
import { useNavigate } from 'react-router'
import { useCommands } from '@/shared/commands'
import { Page, Tabs } from '@/shared/ui'
import { useWords } from '@/shared/words'
import styles from './parts.module.css'
import { words } from './words'

export const SECTIONS = [
  'repositories',
  'credentials',
  'clusters',
  'projects',
  'certificates',
  'accounts',
  'appearance',
] as const
export type Section = (typeof SECTIONS)[number]

/** One page of the settings: the sections beside one another, what this one is for, what can be done in it. */
export function Frame({
  section,
  lead,
  actions,
  children,
}: {
  section: Section
  lead: string
  actions?: ReactNode
  children: ReactNode
}) {
  const say = useWords(words)
  const navigate = useNavigate()
  useCommands(
    SECTIONS.map((each) => ({
      id: `settings ${each}`,
      title: `${say('settings')}: ${say(each)}`,
      group: say('settings'),
      run: () => void navigate(`/settings/${each}`),
    })),
  )
  const tabs = SECTIONS.map((each) => ({ id: each, label: say(each), to: `/settings/${each}` }))
  return (
    <Page title={say(section)} lead={<p className={styles['lead']}>{lead}</p>} actions={actions}>
      <Tabs label={say('sections')} tabs={tabs} current={section} />
      {children}
    </Page>
  )
}
