import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, render, screen } from '@testing-library/react'
import { createMemoryRouter, RouterProvider } from 'react-router'
import { afterEach, expect, it, vi } from 'vitest'
import { Shell } from './shell'

class NoStream extends EventTarget {
  static readonly CLOSED = 2
  close() {}
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it('shows why nobody is let in, without a flicker, and the page as soon as somebody can tell who asks', async () => {
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', NoStream)
  let isAway = true
  let asked = 0
  vi.stubGlobal('fetch', async () => {
    asked += 1
    const refusal = { message: 'The store is away.', haori: { code: 'store-away', hint: 'Sessions wait for it.' } }
    return isAway
      ? new Response(JSON.stringify(refusal), { status: 503 })
      : new Response(JSON.stringify({ loggedIn: true, username: 'reader' }))
  })
  const router = createMemoryRouter([{ element: <Shell />, children: [{ path: '*', element: <p>the page</p> }] }])
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  )
  await act(() => vi.advanceTimersByTimeAsync(100))
  const alert = screen.getByRole('alert')
  expect(alert).toHaveTextContent('The store is away.')
  await act(() => vi.advanceTimersByTimeAsync(10_000))
  expect(asked).toBeGreaterThan(2)
  expect(screen.getByRole('alert')).toBe(alert)
  expect(screen.queryByText('the page')).toBeNull()
  isAway = false
  await act(() => vi.advanceTimersByTimeAsync(5000))
  expect(screen.getByText('the page')).toBeVisible()
})
