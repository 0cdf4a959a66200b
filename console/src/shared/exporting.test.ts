import { act, renderHook } from '@testing-library/react'
import { expect, it } from 'vitest'
import { formatRows, useCurrentExport, useExported } from './exporting'

it('writes a table that spreadsheets read and whose cells are no formulas', () => {
  const rows = [
    { name: 'web', images: ['a:1', 'b:2'], n: -1, why: 'said "no",\nthen left' },
    { name: '=cmd()', why: null, labels: { team: 'x' } },
  ]
  expect(formatRows(rows, 'csv')).toBe(
    '\uFEFFname,images,n,why,labels\r\n' +
      'web,a:1 b:2,-1,"said ""no"",\nthen left",\r\n' +
      '\'=cmd(),,,,"{""team"":""x""}"\r\n',
  )
})

it('writes JSON as it was told', () => {
  expect(JSON.parse(formatRows([{ a: [1] }], 'json'))).toEqual([{ a: [1] }])
})

it('offers what the page that is shown has now, and nothing once it is gone', async () => {
  const current = renderHook(() => useCurrentExport())
  const page = renderHook(({ rows }) => useExported('web', rows), {
    initialProps: { rows: undefined as object[] | undefined },
  })
  expect(current.result.current).toBeNull()
  act(() => page.rerender({ rows: [{ a: 1 }] }))
  act(() => page.rerender({ rows: [{ a: 2 }] }))
  expect(current.result.current?.name).toBe('web')
  expect(await current.result.current?.rows()).toEqual([{ a: 2 }])
  act(() => page.unmount())
  expect(current.result.current).toBeNull()
})
