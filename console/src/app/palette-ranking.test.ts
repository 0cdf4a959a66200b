import { expect, it } from 'vitest'
import type { Command } from '@/shared/commands'
import { rank } from './palette-ranking'

const titles = ['Applications', 'Colours: Dark', 'Darken', 'Board']
const commands: Command[] = titles.map((title) => ({ id: title, title, group: 'Go to', run: () => {} }))
const named = (text: string) => rank(commands, text).map((each) => each.title)

it.each([
  ['', titles],
  ['dark', ['Darken', 'Colours: Dark']],
  ['go board', ['Board']],
  ['nothing', []],
])('%s finds %j', (text, found) => expect(named(text)).toEqual(found))
