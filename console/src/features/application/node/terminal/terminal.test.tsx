import { screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { serve, shop, show } from '../../testing'
import { sample } from '../../tree/samples'
import { TerminalPart } from './terminal'

afterEach(() => vi.unstubAllGlobals())

const facts = { image: '', isInit: false, reason: '', message: '', restarts: 0, ready: true }
const containers = [
  { ...facts, name: 'app', state: 'running' },
  { ...facts, name: 'migrate', state: 'terminated' },
]
const permission = 'GET /api/v1/account/can-i/exec/create/default/shop'

function open(execEnabled: boolean, may: string, shown = containers) {
  serve({ 'GET /api/v1/settings': { execEnabled, controllerNamespace: 'argocd' }, [permission]: { value: may } })
  const app = { namespace: 'argocd', name: 'shop' }
  show(<TerminalPart app={app} application={shop()} node={sample('Pod', 'web-1')} containers={shown} />)
}

it('says how terminals are switched on where they are off', async () => {
  open(false, 'yes')
  expect(await screen.findByText('Terminals are switched off here.')).toBeInTheDocument()
  expect(screen.queryByRole('button', { name: 'Open a terminal' })).not.toBeInTheDocument()
})

it('names the permission that lacks', async () => {
  open(true, 'no')
  expect(await screen.findByText('You lack the permission: exec, create, default/shop')).toBeInTheDocument()
  expect(screen.getByRole('button', { name: 'Open a terminal' })).toHaveAttribute('aria-disabled', 'true')
})

it('offers the containers that run, with the command', async () => {
  open(true, 'yes')
  expect(await screen.findByRole('combobox', { name: 'Container' })).toHaveTextContent('app')
  expect(screen.queryByRole('option', { name: 'migrate' })).not.toBeInTheDocument()
  expect(screen.getByText(/exec -it web-1 -c app -- sh/)).toBeInTheDocument()
})

it('says that nothing runs', async () => {
  open(true, 'yes', containers.slice(1))
  expect(await screen.findByText('The container does not run.')).toBeInTheDocument()
})
