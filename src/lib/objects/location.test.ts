import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObjectLocation, parseObjectLocation } from './location.ts'

const TAKEN: readonly (readonly [location: string, bucket: string, key: string, name: string])[] = [
  ['s3://bucket/rules.json', 'bucket', 'rules.json', 's3://bucket/rules.json'],
  ['GS://My_Bucket/a/../b', 'My_Bucket', 'a/../b', 'gs://My_Bucket/a/../b'],
  ['azblob://c/%C3%A4%20%2f', 'c', 'ä /', 'azblob://c/%C3%A4%20%2f'],
  ['s3://bucket//k', 'bucket', '/k', 's3://bucket//k'],
  ['s3://bucket/k?region=eu&x=s3cret#y', 'bucket', 'k', 's3://bucket/k'],
]

for (const [location, bucket, key, name] of TAKEN) {
  test(`${location} is ${key} in ${bucket}`, () => {
    assert.ok(isObjectLocation(location))
    const { scheme } = parseObjectLocation(location)
    assert.deepEqual(parseObjectLocation(location), { scheme, bucket, key, name })
  })
}

for (const location of ['s3://', 's3://bucket', 's3://bucket/', 's3:///key', 's3://b/%zz', 's3://b/?k', 'file://b/k']) {
  test(`${location} names no object`, () => {
    assert.throws(() => parseObjectLocation(location), /^Error: must name a bucket and a key/)
  })
}

test('credentials have no place in a location, and are not repeated', () => {
  const error = /^Error: holds a user; credentials come from the environment$/
  assert.throws(() => parseObjectLocation('s3://id:s3cret@bucket/key'), error)
})
