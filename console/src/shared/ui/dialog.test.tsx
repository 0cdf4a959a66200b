import { render, screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { Dialog } from './dialog'

it('begins at the first field, not at the button that closes it', () => {
  render(
    <Dialog title="Rename" onClose={() => {}}>
      <input type="checkbox" aria-label="all" />
      <input aria-label="name" />
    </Dialog>,
  )
  expect(screen.getByLabelText('name')).toHaveFocus()
})
