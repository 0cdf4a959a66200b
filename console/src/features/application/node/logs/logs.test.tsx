import { render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { MemoryRouter, useLocation } from 'react-router'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { giveLayout } from '@/shared/testing/layout'
import { Logs } from './logs'

const asked: string[] = []
const entry = (content: string, podName = 'web-1') =>
  `${JSON.stringify({ result: { content, timeStampStr: '2026-01-01T10:00:00.5Z', podName, last: false } })}\n`

function answer(status: number, body: string) {
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url)
    return new Response(body, { status })
  })
}

beforeEach(() => {
  asked.length = 0
  giveLayout()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

function Place() {
  return <output>{useLocation().search}</output>
}

function show(query = '') {
  render(
    <MemoryRouter initialEntries={[`/${query}`]}>
      <Logs
        app={{ namespace: 'argocd', name: 'shop' }}
        target={{ podName: 'web-1', namespace: 'shop' }}
        containers={['app']}
      />
      <Place />
    </MemoryRouter>,
  )
}

it('shows lines, folds a trace and opens it', async () => {
  answer(200, `${entry('started')}${entry('ERROR boom')}${entry('  at one')}${entry('  at two')}`)
  show()
  expect(await screen.findByText('started')).toBeInTheDocument()
  expect(screen.queryByText('at one')).not.toBeInTheDocument()
  await userEvent.click(screen.getByRole('button', { name: 'Show 2 lines of the stack trace' }))
  expect(screen.getByText('at one')).toBeInTheDocument()
})

it('keeps what is foreign as text', async () => {
  answer(200, entry('<img src=x onerror=alert(1)>'))
  show()
  expect(await screen.findByText('<img src=x onerror=alert(1)>')).toBeInTheDocument()
})

it('filters, counts, and keeps the filter in the address', async () => {
  answer(200, `${entry('one error')}${entry('two')}`)
  show()
  await screen.findByText('two')
  await userEvent.type(screen.getByRole('searchbox', { name: 'Filter lines' }), 'error')
  expect(screen.getByText('1 of 2 lines')).toBeInTheDocument()
  expect(screen.getByText('?grep=error')).toBeInTheDocument()
  expect(screen.queryByText('two')).not.toBeInTheDocument()
})

it('says what is wrong with a pattern', async () => {
  answer(200, entry('one'))
  show('?grep=(&regex=1')
  expect(await screen.findByRole('alert')).toHaveTextContent(/group/i)
  expect(await screen.findByText('one')).toBeInTheDocument()
})

it('asks for the container before its last restart', async () => {
  answer(200, entry('one'))
  show()
  await userEvent.click(screen.getByRole('checkbox', { name: 'Before the last restart' }))
  await waitFor(() => expect(asked.at(-1)).toContain('previous=true'))
  expect(asked.at(-1)).not.toContain('follow')
})

it('says that there is nothing, and what went wrong', async () => {
  answer(200, '{"result":{"content":"","last":true}}\n')
  show()
  expect(await screen.findByText('No lines.')).toBeInTheDocument()
})

it('says what the server refused', async () => {
  answer(
    403,
    JSON.stringify({ message: 'you may not read logs', haori: { code: 'not-permitted', hint: 'ask an admin' } }),
  )
  show()
  expect(await screen.findByText('you may not read logs')).toBeInTheDocument()
  expect(screen.getByText('ask an admin')).toBeInTheDocument()
})

it('links to a line by its time', async () => {
  answer(200, `${entry('one')}`)
  show('?times=1')
  await userEvent.click(await screen.findByRole('button', { name: '2026-01-01T10:00:00.5Z' }))
  expect(screen.getByText(/line=2026-01-01T10%3A00%3A00.5Z/)).toBeInTheDocument()
  expect(screen.getByRole('button', { name: '2026-01-01T10:00:00.5Z' })).toHaveAttribute('aria-pressed', 'true')
})
