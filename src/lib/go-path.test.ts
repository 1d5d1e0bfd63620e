import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanPath, joinPath } from './go-path.ts'

test('cleanPath does what Go does', () => {
  const cases: [string, string][] = [
    ['', '.'],
    ['/', '/'],
    ['.', '.'],
    ['..', '..'],
    ['abc', 'abc'],
    ['abc/def', 'abc/def'],
    ['../..', '../..'],
    ['../../abc', '../../abc'],
    ['/abc', '/abc'],
    ['abc/', 'abc'],
    ['/abc/', '/abc'],
    ['a//b//c', 'a/b/c'],
    ['//abc', '/abc'],
    ['///', '/'],
    ['abc/./def', 'abc/def'],
    ['/./abc/def', '/abc/def'],
    ['abc/.', 'abc'],
    ['abc/def/..', 'abc'],
    ['abc/def/../..', '.'],
    ['/abc/def/../../..', '/'],
    ['abc/def/../../..', '..'],
    ['/abc/def/../../../ghi', '/ghi'],
    ['abc/./../def', 'def'],
    ['abc//./../def', 'def'],
    ['/...', '/...'],
    ['/a...b', '/a...b'],
    ['/.well-known/x', '/.well-known/x'],
    ['/..a', '/..a'],
  ]
  for (const [path, clean] of cases) assert.equal(cleanPath(path), clean, path)
})

test('joinPath leaves empty elements out and cleans the rest', () => {
  const cases: [string[], string][] = [
    [[], ''],
    [['', ''], ''],
    [['a', 'b'], 'a/b'],
    [['a', ''], 'a'],
    [['', '/x'], '/x'],
    [['/', 'a'], '/a'],
    [['a/', '/b'], 'a/b'],
    [['/base/path/', '/x/'], '/base/path/x'],
    [['/base', '/../x'], '/x'],
  ]
  for (const [elements, joined] of cases) assert.equal(joinPath(...elements), joined)
})
