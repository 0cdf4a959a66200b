import { expect, it } from 'vitest'
import { LineReader, logsUrl } from './reading'

const options = { container: '', follow: true, previous: false, tailLines: 500, sinceSeconds: 0 }

it('asks for what was chosen and leaves out the rest', () => {
  const url = logsUrl({ namespace: 'argocd', name: 'shop' }, { podName: 'web-1', namespace: 'shop' }, options)
  expect(url).toBe(
    '/api/v1/applications/shop/logs?appNamespace=argocd&podName=web-1&namespace=shop&follow=true&tailLines=500',
  )
})

it('puts a line together that came in two pieces', () => {
  const reader = new LineReader()
  const whole = JSON.stringify({ result: { content: 'hello', timeStampStr: 't', podName: 'web-1' } })
  expect(reader.read(whole.slice(0, 10))).toEqual([])
  expect(reader.read(`${whole.slice(10)}\n`)).toEqual([
    { id: 0, time: 't', pod: 'web-1', container: '', text: 'hello' },
  ])
})

it('ends without a line', () => expect(new LineReader().read('{"result":{"content":"","last":true}}\n')).toEqual([]))

it('raises what the server says', () => {
  expect(() => new LineReader().read('{"error":{"message":"gone"}}\n')).toThrow('gone')
})
