import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { AppContext } from '../reference'
import { serve, shop, show } from '../testing'
import { sample } from '../tree/samples'
import { DependenciesTab } from './tab'

afterEach(() => vi.unstubAllGlobals())

const own = '/api/haori/v1/applications/shop'
const need = (name: string, over = {}) => ({
  ...{ uid: '', kind: 'Secret', namespace: 'shop', name, ways: ['environment'], optional: false, state: 'here' },
  ...over,
})

function open(items: unknown[]) {
  serve({
    [`GET ${own}/tree`]: { nodes: [sample('Deployment', 'web'), sample('ConfigMap', 'flags')] },
    [`GET ${own}/dependencies`]: { items },
  })
  show(
    <AppContext value={{ namespace: 'argocd', name: 'shop' }}>
      <DependenciesTab application={shop()} />
    </AppContext>,
  )
}

const web = {
  ...{ uid: 'web', kind: 'Deployment', namespace: 'shop', name: 'web' },
  needs: [
    need('flags', { uid: 'flags', kind: 'ConfigMap', ways: ['volume', 'environment'] }),
    need('db', { state: 'missing' }),
    need('cache', { state: 'missing', optional: true }),
    need('team', { state: 'elsewhere', ways: ['registry'] }),
  ],
}

it('tells what an object needs and which of it is not there', async () => {
  open([web])
  const card = await screen.findByRole('region', { name: 'web needs' })
  expect(screen.getByRole('status')).toHaveTextContent('1 object is needed and not there')
  expect(card).toHaveTextContent(/flagsmounted · in its environment/)
  expect(card).toHaveTextContent(/dbin its environment · not there/)
  expect(card).toHaveTextContent(/cachein its environment · not there, and may be missing/)
  expect(card).toHaveTextContent(/teamsigns in to the registry of images · not of this application/)
  await userEvent.click(await within(card).findByRole('button', { name: /ConfigMap flags/ }))
  expect(screen.getByTestId('place')).toHaveTextContent('node=%2FConfigMap%2Fshop%2Fflags')
})

it('turns it round: who needs something', async () => {
  open([web])
  await userEvent.selectOptions(await screen.findByLabelText('Begin with'), 'needed')
  expect(screen.getAllByRole('region').map((each) => each.getAttribute('aria-label'))).toEqual([
    'db is needed by',
    'flags is needed by',
    'cache is needed by',
    'team is needed by',
  ])
  expect(screen.getByRole('region', { name: 'db is needed by' })).toHaveTextContent(/web.*in its environment/)
})

it('says so where nothing is needed', async () => {
  open([])
  expect(await screen.findByText('Nothing here needs anything else.')).toBeVisible()
})
