import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { render, screen } from '@testing-library/react'
import { MemoryRouter } from 'react-router'
import { afterEach, expect, it, vi } from 'vitest'
import { Component } from './page'

afterEach(() => vi.unstubAllGlobals())

it('says how to get in, on a machine and in a cluster', async () => {
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ oidcConfig: null })))
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MemoryRouter>
        <Component />
      </MemoryRouter>
    </QueryClientProvider>,
  )
  const help = await screen.findByRole('region', { name: 'How to get in' })
  expect([...help.querySelectorAll('code')].map((each) => each.textContent)).toEqual([
    'haori open',
    'kubectl -n argocd exec deployment/haori-server -- haori open --no-browser',
    expect.stringContaining('argocd-initial-admin-secret'),
  ])
})
