import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ObjectError } from './client.ts'
import { asCredentialsError, asObjectError } from './failure.ts'
import { parseObjectLocation } from './location.ts'

const HERE = parseObjectLocation('s3://b/k')
const SECRET = 'https://store/?sig=s3cret'

function failed(name: string, more: object = {}): Error {
  return Object.assign(new Error(SECRET), { name, ...more })
}

const FAILURES: readonly (readonly [cause: unknown, message: string])[] = [
  [failed('NoSuchKey', { $metadata: { httpStatusCode: 404 } }), 's3://b/k answered 404, and not 200 (NoSuchKey)'],
  [
    failed('RestError', { statusCode: 403, code: 'AuthorizationFailure' }),
    's3://b/k answered 403, and not 200 (AuthorizationFailure)',
  ],
  [failed('Error', { code: 404 }), 's3://b/k answered 404, and not 200'],
  [failed('TypeError', { cause: { code: 'ENOTFOUND' } }), 's3://b/k could not be asked (ENOTFOUND)'],
  [failed(SECRET, { code: SECRET }), 's3://b/k could not be asked (unknown cause)'],
  [
    failed('AuthenticationError', { statusCode: 401 }),
    'the credentials for s3://b/k could not be had (AuthenticationError)',
  ],
  [failed('AggregateAuthenticationError'), 'no credentials for s3://b/k were found in the environment'],
  [new ObjectError('as it is'), 'as it is'],
  [SECRET, 's3://b/k could not be asked (unknown cause)'],
]

for (const [cause, message] of FAILURES) {
  test(`a failure of an SDK is told without what it says itself: ${message}`, () => {
    assert.equal(asObjectError(cause, HERE).message, message)
  })
}

test('a server of tokens that refuses is not taken for the store', () => {
  const cause = failed('ExpiredTokenException', { $metadata: { httpStatusCode: 400 } })
  const message = 'the credentials for s3://b/k could not be had (ExpiredTokenException)'
  assert.equal(asCredentialsError(cause, HERE).message, message)
})
