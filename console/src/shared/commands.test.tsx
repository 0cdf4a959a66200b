import { render } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it, vi } from 'vitest'
import { type Command, resolveKeys, strokeOf, useCommands, useKeyboard } from './commands'

const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false }
const command = (id: string, keys: string, run = () => {}): Command => ({ id, keys, run, title: id, group: 'g' })

describe('strokeOf', () => {
  it.each([
    [{ key: 'r' }, 'r'],
    [{ key: 'R', shiftKey: true }, 'shift+r'],
    [{ key: '?', shiftKey: true }, '?'],
    [{ key: 'k', metaKey: true }, 'mod+k'],
    [{ key: 'Escape' }, 'Escape'],
  ])('%j is %s', (event, stroke) => expect(strokeOf({ ...none, ...event })).toBe(stroke))
})

it('waits for the second stroke only where one may come', () => {
  const commands = [command('apps', 'g a'), command('refresh', 'r')]
  expect(resolveKeys('g', commands)).toEqual({ isPrefix: true })
  expect(resolveKeys('r', commands).command?.id).toBe('refresh')
  expect(resolveKeys('g x', commands)).toEqual({ isPrefix: false })
})

function Page({ run }: { run: () => void }) {
  useKeyboard()
  useCommands([command('go', 'g a', run)])
  return <input aria-label="field" />
}

it('runs a command by its keys, but not while somebody types', async () => {
  const run = vi.fn()
  const { getByLabelText } = render(<Page run={run} />)
  await userEvent.keyboard('ga')
  expect(run).toHaveBeenCalledTimes(1)
  await userEvent.type(getByLabelText('field'), 'ga')
  expect(run).toHaveBeenCalledTimes(1)
})
