import { screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { Facts } from './header'
import { NoObjects } from './no-objects'
import { shop, show } from './testing'

it.each([true, false])('says of the last operation that it was a dry run: %s', (dryRun) => {
  const operationState = { phase: 'Succeeded', finishedAt: '2026-01-02T03:04:05Z', operation: { sync: { dryRun } } }
  show(<Facts application={shop({ operationState })} />)
  expect(screen.queryByText(/dry run ·/) !== null).toBe(dryRun)
})

it.each([
  ['InvalidSpecError', /once what is said above is mended/],
  ['OrphanedResourceWarning', /with the first sync/],
])('says when objects appear beside %s', (type, text) => {
  show(<NoObjects application={shop({ conditions: [{ type, message: 'x' }] })} />)
  expect(screen.getByText(text)).toBeVisible()
})
