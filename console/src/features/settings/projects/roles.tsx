import { Button } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useOpen } from '../parts/action'
import { Facts } from '../parts/facts'
import styles from '../parts/parts.module.css'
import type { Project, Role } from './api'
import { DeleteRole, RoleForm } from './role-form'
import { words } from './words'

/** The roles of a project. `refusal` says why they cannot be changed here. */
export function Roles({ project, refusal }: { project: Project; refusal: string | undefined }) {
  const say = useWords(words)
  const open = useOpen()
  const roles = project.spec.roles ?? []
  const shown = roles.find((each) => each.name === open.shown)
  return (
    <>
      {roles.length === 0 && <p className={styles['faint']}>{say('no-roles')}</p>}
      {roles.map((role) => (
        <RoleCard key={role.name} role={role} refusal={refusal} onDo={(action) => open.act(action, role.name)} />
      ))}
      {open.action === 'role' && <RoleForm project={project} role={shown} onClose={open.close} />}
      {open.action === 'delete-role' && shown && <DeleteRole project={project} role={shown} onClose={open.close} />}
    </>
  )
}

function RoleCard({
  role,
  refusal,
  onDo,
}: {
  role: Role
  refusal: string | undefined
  onDo: (action: 'role' | 'delete-role') => void
}) {
  const say = useWords(words)
  return (
    <article className={styles['section']} aria-label={role.name}>
      <div className={styles['head']}>
        <h3>{role.name}</h3>
        <div className={styles['row']}>
          <Button look="quiet" reason={refusal} onClick={() => onDo('role')}>
            {say('edit')}
          </Button>
          <Button look="quiet" reason={refusal} onClick={() => onDo('delete-role')}>
            {say('delete-role')}
          </Button>
        </div>
      </div>
      {role.description && <p>{role.description}</p>}
      <Facts
        facts={[
          [say('groups'), role.groups?.join(', ')],
          [say('policies'), role.policies?.length ? <Policies key="policies" policies={role.policies} /> : ''],
          [say('tokens'), role.jwtTokens?.length],
        ]}
      />
    </article>
  )
}

function Policies({ policies }: { policies: readonly string[] }) {
  return (
    <ul className={styles['list']}>
      {policies.map((each) => (
        <li key={each}>
          <code>{each}</code>
        </li>
      ))}
    </ul>
  )
}
