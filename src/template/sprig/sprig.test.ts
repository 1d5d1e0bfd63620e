import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { renderTemplate, templateFailure } from '../../../test/support/render-template.ts'
import { createTestClock } from '../../../test/support/test-clock.ts'
import { bcryptHash } from './bcrypt.ts'
import { sprigFunctions } from './functions.ts'
import { piWords } from './pi.ts'

const NOON = Date.UTC(2024, 1, 29, 12)

describe('the environment', () => {
  test('is out of reach unless it is given, and the template still loads', () => {
    process.env['OATHKEEPER_TEST_SECRET'] = 'hidden'
    for (const source of [
      '{{ env "OATHKEEPER_TEST_SECRET" }}',
      '{{ expandenv "$OATHKEEPER_TEST_SECRET" }}',
      '{{ getHostByName "localhost" }}',
    ]) {
      assert.match(templateFailure(source), /is not allowed/)
      assert.equal(renderTemplate(`{{ if false }}${source}{{ end }}ok`), 'ok')
    }
    delete process.env['OATHKEEPER_TEST_SECRET']
  })

  test('is what the compiler was given', () => {
    const variables = new Map([['HOME', '/home/a']])
    const environment = {
      readVariable: (name: string) => variables.get(name) ?? '',
      resolveHost: (name: string) => `ip of ${name}`,
    }
    const render = (source: string): string => renderTemplate(source, { environment })
    assert.equal(render('{{ env "HOME" }}|{{ env "NONE" }}|'), '/home/a||')
    assert.equal(render('{{ expandenv "$HOME/${HOME}x$NONE-${}$" }}'), '/home/a//home/ax-$')
    assert.equal(render('{{ getHostByName "h" }}'), 'ip of h')
  })
})

describe('claims', () => {
  test('are not changed by a template that changes maps, and others see nothing of it', () => {
    const extra = Object.freeze({ role: 'user', nested: Object.freeze({ a: 1 }), list: Object.freeze([{ b: 2 }]) })
    const source = `{{ $_ := set .Extra "role" "admin" }}{{ $_ := set .Extra.nested "a" 2 }}{{ $_ := unset (index .Extra.list 0) "b" }}{{ .Extra }}`
    const changed = 'map[list:[map[]] nested:map[a:2] role:admin]'
    assert.equal(renderTemplate(source, { extra }), changed)
    assert.equal(renderTemplate(source, { extra }), changed)
    assert.equal(
      renderTemplate('{{ merge .Extra (dict "role" "admin" "x" 1) }}', { extra }),
      'map[list:[map[b:2]] nested:map[a:1] role:user x:1]',
    )
    assert.deepEqual(extra, { role: 'user', nested: { a: 1 }, list: [{ b: 2 }] })
  })

  test('never appear in the reason of a failure', () => {
    const secret = 'S3CRET-t0ken'
    const extra = { token: secret, list: [secret], map: { k: secret }, n: 1 }
    const sources = [
      '{{ range .Extra.token }}{{ end }}',
      '{{ eq .Extra.map .Extra.list }}',
      '{{ eq .Extra.list .Extra.list }}',
      '{{ lt .Extra.token 1 }}',
      '{{ index .Extra.list .Extra.token }}',
      '{{ index .Extra.token .Extra.token }}',
      '{{ .Extra.token.x }}',
      '{{ .Extra.token | call }}',
      '{{ call .Extra.token }}',
      '{{ mustFromJson .Extra.token }}',
      '{{ mustToDate "2006" .Extra.token }}',
      '{{ mustDateModify .Extra.token now }}',
      '{{ urlParse (printf "http://%s:x/" .Extra.token) }}',
      '{{ .MatchContext.URL.Parse (printf "http://h/%%zz%s" .Extra.token) }}',
      '{{ regexFind (printf "(%s" .Extra.token) "x" }}',
      '{{ mustRegexMatch (printf "[%s" .Extra.token) "x" }}',
      '{{ semver .Extra.token }}',
      '{{ semverCompare .Extra.token "1" }}',
      '{{ ternary 1 2 .Extra.token }}',
      '{{ dig "a" 1 .Extra.token }}',
      '{{ genCAWithKey "x" 1 .Extra.token }}',
      '{{ buildCustomCert .Extra.token "" }}',
      '{{ genSelfSignedCertWithKey "x" .Extra.list nil 1 (genPrivateKey "ecdsa") }}',
      '{{ until .Extra.token }}',
      '{{ upper .Extra.list }}',
      '{{ urlJoin (dict "scheme" .Extra.list) }}',
      '{{ first .Extra.token }}',
      '{{ slice .Extra.token 1 }}',
      '{{ decryptAES .Extra.token "x" }}',
      '{{ trunc .Extra.token "x" }}',
      '{{ template "x" .Extra.token.y }}{{ define "x" }}{{ end }}',
    ]
    for (const source of sources) assert.ok(!templateFailure(source, { extra }).includes('S3CRET'), source)
  })
})

describe('what would stall or exhaust the process is an execution error', () => {
  const claims = { long: 'a'.repeat(100_000), list: Array.from({ length: 20_000 }, (_, i) => i) }
  const sources = [
    '{{ repeat 9223372036854775807 "x" }}',
    '{{ repeat 2000000 "x" }}',
    '{{ indent 1000000000 "x" }}',
    '{{ nindent 100000 (repeat 1000 "\\n") }}',
    '{{ until 9223372036854775807 }}',
    '{{ untilStep 0 1000000000 1 }}',
    '{{ seq 1000000000 }}',
    '{{ range until 60000 }}{{ range until 60000 }}{{ end }}{{ end }}',
    '{{ randAlpha 1000000000 }}',
    '{{ randBytes 1000000000 }}',
    '{{ replace "" (repeat 10000 "x") (repeat 10000 "y") }}',
    '{{ replace "a" .Extra.long .Extra.long }}',
    '{{ join .Extra.long .Extra.list }}',
    '{{ wrapWith 1 (repeat 1000 "x") .Extra.long }}',
    '{{ splitList "" .Extra.long }}',
    '{{ $l := list 1 }}{{ range 100 }}{{ $l = concat $l $l }}{{ end }}',
    '{{ $s := "x" }}{{ range 100 }}{{ $s = cat $s $s }}{{ end }}',
    '{{ $s := "x" }}{{ range 100 }}{{ $s = toJson $s }}{{ end }}',
    '{{ uniq .Extra.list }}',
    '{{ range 200 }}{{ has "x" $.Extra.list }}{{ end }}',
    '{{ range 100 }}{{ regexReplaceAll "(a+)+$" $.Extra.long "" }}{{ end }}',
    '{{ regexFindAll "(a?){500}" .Extra.long -1 }}',
    '{{ range 100 }}{{ bcrypt "x" }}{{ end }}',
    '{{ range 100 }}{{ genPrivateKey "rsa" }}{{ end }}',
    '{{ range 100 }}{{ derivePassword 1 "long" "a" "b" "c" }}{{ end }}',
    '{{ range 100000 }}{{ sha512sum $.Extra.long }}{{ end }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toJson $d }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepCopy $d }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $e := dict "d" (dict) }}{{ $_ := set $e "d" $e }}{{ deepEqual $d $e }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ merge (dict "d" $d) $d $d }}{{ mergeOverwrite $d $d }}{{ $d }}',
    '{{ fromJson (printf "%s%s" (repeat 100000 "[") (repeat 100000 "]")) | toString }}',
    '{{ semverCompare (repeat 100000 "1 ") "1" }}',
  ]

  for (const source of sources) {
    test(source, () => {
      const start = performance.now()
      // A text of which functions without `must` make nothing is an answer too.
      if (source.startsWith('{{ fromJson')) renderTemplateOrFail(source)
      else templateFailure(source, { extra: claims })
      assert.ok(performance.now() - start < 8000)
    })
  }

  function renderTemplateOrFail(source: string): void {
    try {
      renderTemplate(source, { extra: claims })
    } catch (error) {
      assert.match(String(error), /GateError/)
    }
  }
})

describe('dates', () => {
  test('now is what the clock says', () => {
    const clock = createTestClock(NOON)
    assert.equal(renderTemplate('{{ now.UTC.Format "2006-01-02 15:04" }}', { clock }), '2024-02-29 12:00')
    clock.advance(90_500)
    assert.equal(renderTemplate('{{ now.Unix }}', { clock }), String(NOON / 1000 + 90))
  })

  test('ago counts from now to the second', () => {
    const clock = createTestClock(NOON)
    const ago = (seconds: number): string => renderTemplate(`{{ ago ${NOON / 1000 - seconds} }}`, { clock })
    assert.equal(ago(3661), '1h1m1s')
    assert.equal(ago(-5), '-5s')
  })

  test('what is no date is now, in the zone that is asked for', () => {
    const clock = createTestClock(NOON)
    assert.equal(renderTemplate('{{ dateInZone "15:04 MST" "x" "UTC" }}', { clock }), '12:00 UTC')
    assert.equal(renderTemplate('{{ htmlDateInZone nil "UTC" }}', { clock }), '2024-02-29')
    assert.equal(renderTemplate('{{ durationRound (toDate "2006-01-02" "2022-01-01") }}', { clock }), '2y')
  })
})

describe('passwords', () => {
  test('bcrypt gives the published hashes', () => {
    const salt = Buffer.from('10410410410410410410410410410410', 'hex')
    // https://www.openwall.com/crypt/ test vectors, which bcrypt implementations share.
    assert.equal(
      bcryptHash(Buffer.from('U*U'), salt, 5),
      '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    )
    assert.equal(bcryptHash(Buffer.from(''), salt, 5), '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy')
  })

  test('the digits of pi are those that Blowfish begins with', () => {
    assert.deepEqual([...piWords(1042).subarray(0, 3)], [0x243f6a88, 0x85a308d3, 0x13198a2e])
    assert.equal(piWords(1042).at(-1), 0x3ac372e6)
  })

  test('what is encrypted is decrypted, and never the same twice', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (text, password) => {
        const extra = { text, password }
        const source = '{{ encryptAES .Extra.password .Extra.text | decryptAES .Extra.password }}'
        assert.equal(renderTemplate(source, { extra }), text)
      }),
    )
    const [first, second] = renderTemplate('{{ encryptAES "k" "v" }} {{ encryptAES "k" "v" }}').split(' ')
    assert.notEqual(first, second)
  })
})

describe('certificates', () => {
  const clock = createTestClock(NOON)
  const render = (source: string): string => renderTemplate(source, { clock })

  test('a signed one is verified by its authority and says what was asked for', () => {
    const [ca, leaf] = render(
      `{{ $key := genPrivateKey "ecdsa" }}{{ $ca := genCAWithKey "the ca" 10 $key }}{{ $leaf := genSignedCertWithKey "a.example" (list "192.0.2.1" "2001:db8::1") (list "a.example" "b.example") 5 $ca (genPrivateKey "ed25519") }}{{ $ca.Cert }}|{{ $leaf.Cert }}`,
    ).split('|') as [string, string]
    const authority = new X509Certificate(ca)
    const certificate = new X509Certificate(leaf)
    assert.equal(authority.ca, true)
    assert.equal(authority.verify(authority.publicKey), true)
    assert.equal(certificate.ca, false)
    assert.equal(certificate.checkIssued(authority), true)
    assert.equal(certificate.verify(authority.publicKey), true)
    assert.equal(certificate.subject, 'CN=a.example')
    assert.equal(certificate.issuer, 'CN=the ca')
    assert.equal(certificate.checkHost('b.example'), 'b.example')
    assert.equal(certificate.checkIP('192.0.2.1'), '192.0.2.1')
    assert.equal(certificate.checkIP('2001:db8::1'), '2001:db8::1')
    assert.equal(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom), 5 * 86_400_000)
    assert.equal(Date.parse(certificate.validFrom), NOON)
  })

  test('one is made with an RSA key of its own', () => {
    const source = '{{ $c := genSelfSignedCert "x.example" nil (list "x.example") 1 }}{{ $c.Key }}{{ $c.Cert }}'
    const text = render(source)
    assert.match(text, /^-----BEGIN RSA PRIVATE KEY-----/)
    const certificate = new X509Certificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE')))
    assert.equal(certificate.verify(certificate.publicKey), true)
  })

  test('a certificate that was made is accepted as a custom one', () => {
    const source = `{{ $c := genCAWithKey "é" 1 (genPrivateKey "ecdsa") }}{{ $b := buildCustomCert (b64enc $c.Cert) (b64enc $c.Key) }}{{ eq $b.Key $c.Key }}`
    assert.equal(render(source), 'true')
  })
})

test('random texts have the length and the characters that were asked for', () => {
  const text = renderTemplate(
    '{{ randAlphaNum 20 }} {{ randNumeric 9 }} {{ randAlpha 9 }} {{ randAscii 9 | len }} {{ uuidv4 }}',
  )
  assert.match(
    text,
    /^[A-Za-z0-9]{20} [0-9]{9} [A-Za-z]{9} 9 [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  )
  const shuffled = renderTemplate('{{ shuffle "héllo" }}')
  assert.deepEqual([...shuffled].sort(), [...'héllo'].sort())
  const number = Number(renderTemplate('{{ randInt 5 8 }}'))
  assert.ok(number >= 5 && number < 8)
})

test('every function of Sprig 3.3 is there', () => {
  const known = Object.keys(sprigFunctions(createTestClock(), {}))
  assert.equal(known.length, new Set(known).size)
  assert.deepEqual(
    SPRIG.filter((name) => !known.includes(name)),
    [],
  )
  assert.deepEqual(known.sort(), [...SPRIG].sort())
})

const SPRIG =
  `hello ago date date_in_zone date_modify dateInZone dateModify duration durationRound htmlDate htmlDateInZone
must_date_modify mustDateModify mustToDate now toDate unixEpoch abbrev abbrevboth trunc trim upper lower title untitle substr
repeat trimall trimAll trimSuffix trimPrefix nospace initials randAlphaNum randAlpha randAscii randNumeric swapcase shuffle
snakecase camelcase kebabcase wrap wrapWith contains hasPrefix hasSuffix quote squote cat indent nindent replace plural sha1sum
sha256sum sha512sum adler32sum toString atoi int64 int float64 seq toDecimal split splitList splitn toStrings until untilStep
add1 add sub div mod mul randInt add1f addf subf divf mulf biggest max min maxf minf ceil floor round join sortAlpha default
empty coalesce all any compact mustCompact fromJson toJson toPrettyJson toRawJson mustFromJson mustToJson mustToPrettyJson
mustToRawJson ternary deepCopy mustDeepCopy typeOf typeIs typeIsLike kindOf kindIs deepEqual env expandenv getHostByName base dir
clean ext isAbs osBase osClean osDir osExt osIsAbs b64enc b64dec b32enc b32dec tuple list dict get set unset hasKey pluck keys
pick omit merge mergeOverwrite mustMerge mustMergeOverwrite values append push mustAppend mustPush prepend mustPrepend first
mustFirst rest mustRest last mustLast initial mustInitial reverse mustReverse uniq mustUniq without mustWithout has mustHas slice
mustSlice concat dig chunk mustChunk bcrypt htpasswd genPrivateKey derivePassword buildCustomCert genCA genCAWithKey
genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey encryptAES decryptAES randBytes uuidv4 semver
semverCompare fail regexMatch mustRegexMatch regexFindAll mustRegexFindAll regexFind mustRegexFind regexReplaceAll
mustRegexReplaceAll regexReplaceAllLiteral mustRegexReplaceAllLiteral regexSplit mustRegexSplit regexQuoteMeta urlParse
urlJoin`.split(/\s+/)
