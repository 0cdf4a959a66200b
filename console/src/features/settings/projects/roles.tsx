import { Button, Card, Facts } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useLack, useOpen } from '../parts/action'
import styles from '../parts/parts.module.css'
import { TokenForm } from '../parts/token-form'
import { RevokeDialog, TokenList } from '../parts/token-list'
import { tokenWords } from '../parts/words'
import { KEY, makeRoleToken, type Project, type Role, revokeRoleToken, tokenPath, tokensOf } from './api'
import { DeleteRole, RoleForm } from './role-form'
import { words } from './words'

/** The roles of a project. `refusal` says why they cannot be changed here. */
export function Roles({ project, refusal }: { project: Project; refusal: string | undefined }) {
  const say = useWords(words)
  const open = useOpen()
  const roles = project.spec.roles ?? []
  const [name = '', token] = (open.shown ?? '').split(' ')
  const shown = roles.find((each) => each.name === name)
  return (
    <>
      {roles.length === 0 && <p className={styles['faint']}>{say('no-roles')}</p>}
      {roles.map((role) => (
        <RoleCard
          key={role.name}
          project={project}
          role={role}
          refusal={refusal}
          onDo={(action, of = '') => open.act(action, of ? `${role.name} ${of}` : role.name)}
        />
      ))}
      {open.action === 'role' && <RoleForm project={project} role={shown} onClose={open.close} />}
      {shown && <TokenDialogs project={project} role={shown} token={token} />}
      {open.action === 'delete-role' && shown && <DeleteRole project={project} role={shown} onClose={open.close} />}
    </>
  )
}

/** Making and revoking tokens of a role, also of one that Git declares: its tokens stand in the project's status. */
function TokenDialogs({ project, role, token }: { project: Project; role: Role; token: string | undefined }) {
  const say = useWords(words)
  const open = useOpen()
  const { name } = project.metadata
  const lack = useLack('projects', 'update', name)
  const shown = tokensOf(project, role).find((each) => each.id === token)
  if (open.action === 'role-token') {
    return (
      <TokenForm
        path={tokenPath(name, role.name)}
        make={(draft) => makeRoleToken(name, role.name, draft)}
        queryKey={KEY}
        lastsHint={say('token-lasts')}
        lack={lack}
        onClose={open.close}
      />
    )
  }
  if (open.action !== 'role-revoke' || !shown) return null
  return (
    <RevokeDialog
      token={shown}
      path={tokenPath(name, role.name)}
      revoke={() => revokeRoleToken(name, role.name, shown)}
      queryKey={KEY}
      lack={lack}
      onClose={open.close}
    />
  )
}

function RoleCard({
  project,
  role,
  refusal,
  onDo,
}: {
  project: Project
  role: Role
  refusal: string | undefined
  onDo: (action: 'role' | 'delete-role' | 'role-token' | 'role-revoke', token?: string) => void
}) {
  const say = useWords(words)
  const sayToken = useWords(tokenWords)
  const tokens = tokensOf(project, role)
  return (
    <Card aria-label={role.name}>
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
        ]}
      />
      <div className={styles['head']}>
        <strong>{say('tokens')}</strong>
        <Button look="quiet" onClick={() => onDo('role-token')}>
          {sayToken('make')}
        </Button>
      </div>
      <TokenList label={say('tokens')} tokens={tokens} onRevoke={(each) => onDo('role-revoke', each.id)} />
    </Card>
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
