import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { MemoryRouter } from 'react-router'
import { afterEach, expect, it, vi } from 'vitest'
import { Component } from './page'

afterEach(() => vi.unstubAllGlobals())

interface Answer {
  status?: number
  body: unknown
}

/** A server that answers by method and path, and remembers what it was asked. */
function serve(answers: Record<string, Answer>) {
  const asked: { method: string; path: string; body: unknown }[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const [path = ''] = url.split('?')
    const method = init.method ?? 'GET'
    asked.push({ method, path, body: init.body ? JSON.parse(String(init.body)) : undefined })
    const may: Answer | undefined = path.startsWith('/api/v1/account/can-i') ? { body: { value: 'yes' } } : undefined
    const answer = answers[`${method} ${path}`] ?? may ?? { status: 404, body: {} }
    return new Response(JSON.stringify(answer.body), { status: answer.status ?? 200 })
  })
  return asked
}

function show(at = '/settings/repositories') {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  render(
    <QueryClientProvider client={queries}>
      <MemoryRouter initialEntries={[at]}>
        <Component />
      </MemoryRouter>
    </QueryClientProvider>,
  )
}

const repository = { repo: 'https://git.example/a.git', type: 'git', username: 'bot', project: '', insecure: false }
const list = (items: unknown[]): Record<string, Answer> => ({ 'GET /api/v1/repositories': { body: { items } } })

it('lists repositories with their connection', async () => {
  const failed = { status: 'Failed', message: 'refused', attemptedAt: null }
  serve(list([{ ...repository, connectionState: failed }]))
  show()
  const row = within(await screen.findByRole('row', { name: /git\.example/ }))
  expect(row.getByText('Not connected')).toHaveAttribute('title', 'refused')
})

it('says what to do where there is none', async () => {
  serve(list([]))
  show()
  expect(await screen.findByText('No repository has been connected yet')).toBeVisible()
})

it('shows a failed request and offers to try again', async () => {
  serve({ 'GET /api/v1/repositories': { status: 403, body: { message: 'not for you' } } })
  show()
  expect(await screen.findByText('not for you')).toBeVisible()
  expect(screen.getByRole('button', { name: 'Try again' })).toBeVisible()
})

it('asks the server for nothing while a form is not complete', async () => {
  const asked = serve(list([]))
  show('/settings/repositories?do=add')
  await userEvent.click(await screen.findByRole('button', { name: 'Connect' }))
  expect(screen.getByText('This is needed.')).toBeVisible()
  expect(asked.filter((each) => each.method === 'POST')).toEqual([])
})

it('connects by user and password, then closes', async () => {
  const asked = serve({ ...list([]), 'POST /api/v1/repositories': { body: repository } })
  show('/settings/repositories?do=add')
  await userEvent.type(await screen.findByLabelText(/^URL/), repository.repo)
  await userEvent.selectOptions(screen.getByLabelText(/^How it is opened/), 'password')
  await userEvent.type(screen.getByLabelText('User name'), 'bot')
  await userEvent.type(screen.getByLabelText('Password or access token'), 'hunter2')
  await userEvent.click(screen.getByRole('button', { name: 'Connect' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  const sent = asked.find((each) => each.method === 'POST')
  expect(sent?.body).toEqual({ repo: repository.repo, type: 'git', username: 'bot', password: 'hunter2' })
})

it('shows what the server refuses at its field', async () => {
  const said = { message: 'plain http is refused', haori: { code: 'git-url-plain-http', hint: 'use https://' } }
  serve({ ...list([]), 'POST /api/v1/repositories': { status: 400, body: said } })
  show('/settings/repositories?do=add')
  const field = await screen.findByLabelText(/^URL/)
  await userEvent.type(field, 'http://git.example/a.git')
  await userEvent.click(screen.getByRole('button', { name: 'Connect' }))
  expect(await screen.findByText('plain http is refused (use https://)')).toBeVisible()
  expect(field).toHaveAttribute('aria-invalid', 'true')
})

it('says which permission lacks', async () => {
  const forbidden = { 'GET /api/v1/account/can-i/repositories/create/*': { body: { value: 'no' } } }
  serve({ ...list([]), ...forbidden })
  show()
  const button = await screen.findByRole('button', { name: 'Connect a repository' })
  await waitFor(() => expect(button).toHaveAttribute('aria-disabled', 'true'))
  expect(button).toHaveAttribute('title', expect.stringContaining('repositories, create, *'))
})

it('deletes after asking, with the command beside', async () => {
  const path = `/api/v1/repositories/${encodeURIComponent(repository.repo)}`
  const asked = serve({ ...list([repository]), [`DELETE ${path}`]: { body: {} } })
  show(`/settings/repositories?show=${encodeURIComponent(repository.repo)}`)
  await userEvent.click(await screen.findByRole('button', { name: 'Disconnect' }))
  expect(screen.getByText(`haori repo rm ${repository.repo}`)).toBeInTheDocument()
  await userEvent.click(screen.getByRole('button', { name: 'Disconnect' }))
  await waitFor(() => expect(asked).toContainEqual({ method: 'DELETE', path, body: undefined }))
})

it('changes a password, and nothing that was not touched', async () => {
  const path = `/api/v1/repositories/${encodeURIComponent(repository.repo)}`
  const asked = serve({ ...list([repository]), [`PUT ${path}`]: { body: repository } })
  show(`/settings/repositories?show=${encodeURIComponent(repository.repo)}`)
  await userEvent.click(await screen.findByRole('button', { name: 'Change' }))
  expect(screen.getByLabelText(/^How it is opened/)).toHaveValue('keep')
  await userEvent.selectOptions(screen.getByLabelText(/^How it is opened/), 'password')
  expect(screen.getByLabelText('User name')).toHaveValue('bot')
  await userEvent.type(screen.getByLabelText('Password or access token'), 'hunter3')
  await userEvent.click(screen.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(asked.find((each) => each.method === 'PUT')?.body).toMatchObject({
    ...{ repo: repository.repo, username: 'bot', password: 'hunter3', bearerToken: null, sshPrivateKey: null },
  })
})

it('tests a connection and says why it fails', async () => {
  const path = `/api/v1/repositories/${encodeURIComponent(repository.repo)}/validate`
  const said = { message: 'the password is wrong' }
  serve({ ...list([repository]), [`POST ${path}`]: { status: 502, body: said } })
  show(`/settings/repositories?show=${encodeURIComponent(repository.repo)}`)
  await userEvent.click(await screen.findByRole('button', { name: 'Test the connection' }))
  expect(await screen.findByText('the password is wrong')).toBeVisible()
})
