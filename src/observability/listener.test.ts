import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../kernel/logger.ts'
import { tellListening } from './listener.ts'

test('a listener is told with a URL that works on this machine', () => {
  const said: string[] = []
  const logger = { ...silentLogger, info: (_fields: unknown, message: string) => void said.push(message) }
  const tell = (address: string, family: string, isSecure: boolean): void =>
    tellListening(logger, 'proxy', { address, family, port: 4455 }, isSecure)
  tell('::', 'IPv6', false)
  tell('0.0.0.0', 'IPv4', true)
  tell('::1', 'IPv6', false)
  tell('192.0.2.1', 'IPv4', false)
  assert.deepEqual(said, [
    'proxy is listening on http://localhost:4455',
    'proxy is listening on https://localhost:4455',
    'proxy is listening on http://[::1]:4455',
    'proxy is listening on http://192.0.2.1:4455',
  ])
})
