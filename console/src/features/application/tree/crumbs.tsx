import { ExternalLink } from 'lucide-react'
import { Link } from 'react-router'
import { useWords } from '@/shared/words'
import type { Branch } from './branches'
import { applicationOf } from './branches'
import { Trail } from './card'
import styles from './crumbs.module.css'
import type { Row } from './folding'
import type { OpenedApp } from './use-tree-view'
import { pathTo } from './use-tree-view'
import { words } from './words'

/** Where one is among applications in applications, with the way to the page of the one at hand. */
export function Crumbs({ root, at, opened }: { root: Branch; at: Row | undefined; opened: readonly OpenedApp[] }) {
  const say = useWords(words)
  const troubles = opened.filter((each) => each.isLoading || each.error)
  const child = at?.branch.node ? applicationOf(at.branch.node) : null
  const inside = at && at.branch.app.name !== root.app.name ? at.branch.app : null
  const app = child ?? inside
  if (!app && troubles.length === 0) return null
  return (
    <div className={styles['crumbs']}>
      {app && (
        <>
          <span className={styles['quiet']}>{say('inside')}</span>
          <Trail names={trailOf(root, at)} />
          <Link to={`/applications/${app.namespace}/${app.name}`}>
            {say('page', { name: app.name })} <ExternalLink size={12} aria-hidden />
          </Link>
        </>
      )}
      {troubles.map(({ app: { name }, error }) => (
        <span key={name} role="status">
          {error ? say('failed-app', { name, text: error.message }) : say('loading-app', { name })}
        </span>
      ))}
    </div>
  )
}

/** Names of the applications from the root to the row. */
function trailOf(root: Branch, at: Row | undefined): string[] {
  if (!at) return [root.label]
  const path = new Set(pathTo(root, at.branch.id) ?? [])
  const names = [root.label]
  const walk = (branch: Branch) => {
    for (const child of branch.children) {
      const isOnWay = path.has(child.id) || child.id === at.branch.id
      if (!isOnWay) continue
      if (child.node && applicationOf(child.node)) names.push(child.label)
      walk(child)
    }
  }
  walk(root)
  return names
}
