import type { Area, Evidence, Quirk } from './contract.ts'

const recorded = (scenario: string): Evidence => ({ scenario })
const tested = (test: string, title: string): Evidence => ({ test, title })

const same = (oathkeeper: string, shown?: Evidence, here?: string): Quirk => ({
  oathkeeper,
  state: 'same',
  ...(here !== undefined && { here }),
  ...(shown !== undefined && { shown }),
})
const safer = (oathkeeper: string, here: string, shown?: Evidence): Quirk => ({
  oathkeeper,
  state: 'safer',
  here,
  ...(shown !== undefined && { shown }),
})
const unsupported = (oathkeeper: string, here: string, shown?: Evidence): Quirk => ({
  ...safer(oathkeeper, here, shown),
  state: 'unsupported',
})

/** What is surprising about Oathkeeper, and what becomes of it here. In the order of docs/compatibility.md. */
export const AREAS: readonly Area[] = [
  {
    title: 'Access rules',
    quirks: [
      same('Unknown keys of a rule are ignored, `match.headers` among them.', recorded('rule-unknown-keys')),
      same(
        'Keys of a rule are read without regard to case; those of the configuration, and of a handler’s `config`, are not.',
        tested('src/rules/wire.test.ts', 'names of keys are compared without regard to case'),
      ),
      safer(
        'A key that stands twice in a rule, in two spellings, is merged: the second adds to what the first said.',
        'The last one counts alone.',
        tested('src/rules/wire.test.ts', 'of several spellings of a key the last counts'),
      ),
      same(
        'A rule with `full_method` never matches HTTP, whatever the scheme; with a slash before the service it matches nothing at all.',
        recorded('rule-for-rpc'),
        'Calls that Envoy asks about by gRPC match it.',
      ),
      safer(
        'The slash at the end of a path is dropped before matching and forwarding: a rule `/users/` matches nothing, and applications that redirect to `/x/` go round in circles.',
        'It is kept, as up to v0.40; `access_rules.trailing_slash: strip` is the way of v26.',
        recorded('trailing-slash'),
      ),
      same(
        '`\\d`, `\\w` and `\\s` are Unicode’s; a pattern is anchored at both ends; a lone `<` or `>` cannot be written inside it.',
        recorded('digits-are-unicode'),
      ),
      same('`$` also stands before one last newline: `/a%0A` fits `/<[a-z]+>`.', recorded('newline-at-the-end')),
      same(
        'Globs: `<a|b>` is no alternation, `<[0-9]*>` is one digit and what follows it, `*` stops at `.` and `/`.',
        recorded('glob'),
      ),
      same(
        'Two rules that match are 500, whatever their order; there is no most specific one.',
        recorded('several-rules'),
      ),
      safer(
        'A pattern that does not compile, or a rule without `match`, makes every request 500, and nothing warns of it.',
        'The source is refused at load, with file, line and rule, and keeps its last good rules; the others serve.',
        tested('src/rules/repository.test.ts', 'a source that cannot be taken keeps its last good rules'),
      ),
      safer(
        'A pattern that takes longer than 250 ms is 500.',
        'The work for one request is bounded instead of its time, so that a slow machine and a fast one agree; mostly it is linear.',
        tested('src/rules/patterns/hostile.test.ts', 'F-34: one budget bounds the work of all patterns together'),
      ),
      safer(
        'A changed `matching_strategy` has no effect on rules that were used before.',
        'It takes effect at once.',
        tested('src/rules/repository.test.ts', 'a reload with another strategy reads the same sources anew'),
      ),
      safer(
        'A rule that became valid because its handler was enabled works, but `GET /rules` does not show it.',
        'Every change compiles all rules anew.',
        tested('src/rules/repository.test.ts', 'a reload with other plans compiles every rule anew'),
      ),
      same(
        'A rule for v0.32 or older with a `hydrator` is migrated to `config.retry`, where the hydrator does not take it: it is reported.',
        tested('src/rules/migrations.test.ts', 'the retries of a hydrator written before 0.32.0 become durations'),
      ),
      same(
        'A rule file that is deleted, or has a mistake, keeps its last good rules.',
        tested('src/rules/repository.test.ts', 'a source that cannot be taken keeps its last good rules'),
      ),
      safer(
        'A folder that is missing at the start is never looked at again; http(s) and object stores are read once.',
        'They are picked up when they appear; http(s) and object stores are asked again after an interval, with ETags.',
        tested('src/rules/sources/http.test.ts', 'rules are fetched at the start, and again after the interval'),
      ),
      same(
        'The query of an `s3://`, `gs://` or `azblob://` location is not used; the key is its path without the first slash.',
        tested('src/lib/objects/location.test.ts', 'credentials have no place in a location'),
      ),
      safer(
        '`GET /rules` shows the version of Oathkeeper in place of that of a rule.',
        'It shows the version that the rule says.',
      ),
    ],
  },
  {
    title: 'Handlers in general',
    quirks: [
      same(
        'The configuration of a rule is laid on the global one key by key: headers of a `header` mutator are added to the global ones, and cannot be removed.',
        recorded('deep-merge'),
      ),
      same(
        'A rule that sets `token_from.cookie` where `token_from.header` is global has both, which is a mistake: 500.',
        recorded('token-from-merged'),
      ),
      same(
        'Further keys beside `enabled` and `config` of a handler that has a configuration are refused or not as there.',
        tested('src/config/handlers.test.ts', 'most handlers of Oathkeeper need a configuration'),
      ),
      safer(
        '`cookie_session`, `bearer_token`, `oauth2_introspection` and `oauth2_client_credentials` wait for ever.',
        'Every call has a deadline.',
        tested('src/pipeline/fields.test.ts', 'H-04: every call has a deadline'),
      ),
      safer(
        '`retry.max_delay` of `remote` and `remote_json` is a million times too long and means something else; `retry` of the OAuth handlers does nothing.',
        'It means what is documented, and works.',
        tested('src/pipeline/fields.test.ts', 'retry: what Oathkeeper’s documentation says'),
      ),
      safer(
        'A remote authorizer that keeps saying 429 is 500.',
        '429 with its `Retry-After` reaches the client.',
        tested(
          'src/pipeline/authorizers/remote.test.ts',
          '429 reaches the client with what the service says of its limits',
        ),
      ),
      safer(
        'Redirects of services are followed, with the credentials.',
        'They are not followed.',
        tested('src/pipeline/authenticators/cookie-session.test.ts', 'FM-32 A-34 V-047 V-114'),
      ),
    ],
  },
  {
    title: 'Authenticators',
    quirks: [
      same(
        '`token_from.header: authorization`, not written `Authorization`, takes the whole value, scheme and all.',
        recorded('token-header-case'),
      ),
      same(
        'On the decision API a token in the query is that of the query of `/decisions`, not of `X-Forwarded-Uri`.',
        recorded('token-in-the-query'),
      ),
      same(
        '`cookie_session`, `bearer_token`: a service that cannot be reached is 403.',
        recorded('session-service-gone'),
      ),
      same(
        '`cookie_session`, `bearer_token`: 200 without a subject, such as a login page, is a session of nobody, and passes.',
        recorded('session-without-subject'),
        'With a warning in the log, once a minute.',
      ),
      same(
        '`bearer_token` sends `Authorization` and nothing else to the service, `cookie_session` only `Cookie`.',
        recorded('bearer-token-forwards'),
      ),
      same('`jwt`: a key without `use: sig`, or without `kid`, is not found.', recorded('jwt-key-without-use')),
      safer(
        '`jwt`: where errors are verbose, the reason is a stack trace with the claims of a token that nobody verified.',
        'The reason is a sentence.',
        tested('src/pipeline/authenticators/jwt.test.ts', 'no part of a token is in a reason or a detail'),
      ),
      safer(
        '`jwt`: a token with an invented `kid` makes every key server be asked, each time.',
        'One fetch finds a new key; 1,000 invented ids in ten seconds cause no other.',
        tested('src/credentials/key-sets.test.ts', 'B-18: a new key is found by one read'),
      ),
      same('`oauth2_introspection`: `aud: null` is 500.', recorded('introspection-null-audience')),
      same(
        '`oauth2_introspection`: the subject is `sub`, not `username` as documented.',
        recorded('introspection-subject'),
      ),
      safer(
        '`oauth2_introspection`, before v26.2: what one server says of a token counts for another.',
        'The cache goes by everything that the answer depends on.',
        tested(
          'src/pipeline/authenticators/oauth2-introspection.test.ts',
          'V-002: a token that is cached of one endpoint',
        ),
      ),
      same('`noop` does not bypass authorization, whatever the documentation says.', recorded('noop-authenticator')),
      unsupported(
        '`token_from.auth_scheme`, 406 as “ask the next one”: documented, and not there.',
        'As in Oathkeeper.',
        tested(
          'src/config/handlers.test.ts',
          'a handler that is enabled has its configuration checked by its own schema',
        ),
      ),
    ],
  },
  {
    title: 'Authorizers',
    quirks: [
      same(
        '`remote`, `remote_json`: only 200 lets in, only 403 is 403, 429 is 429; 401 is 500.',
        recorded('remote-says-unauthorized'),
      ),
      same(
        'A header of `forward_response_headers_to_upstream` that the answer does not have is sent empty, in place of the client’s.',
        recorded('remote-header-not-sent'),
      ),
      same(
        '`remote_json`: values in the payload are not escaped, unless the template says `toJson`.',
        recorded('remote-json-payload'),
        'What does not render to JSON is 500.',
      ),
      safer(
        '`keto_engine_acp_ory` believes `X-Real-Ip` of any client.',
        'The address is that of the peer, or what a trusted proxy says.',
        tested('src/pipeline/client-address.test.ts', 'G-01: from a peer that is not trusted'),
      ),
    ],
  },
  {
    title: 'Mutators',
    quirks: [
      same('`noop` on the decision API: the answer has all headers of the request.', recorded('noop-echo')),
      same(
        'Two `cookie` mutators: the second begins with the cookies of the request, unless `noop` came first.',
        recorded('two-cookie-mutators'),
      ),
      safer(
        'Templates are kept by rule id and header name: two `header` mutators that set one header both have the first one’s template, and an edited template needs a restart.',
        'Each has its own.',
        recorded('two-header-mutators'),
      ),
      safer(
        'A header of the client passes that is the same as one that a rule sets, but for `_` or `.` in place of `-`.',
        'It is removed in every spelling.',
        recorded('spoofed-identity-header'),
      ),
      same(
        '`hydrator`: the query of its URL is replaced by that of the request; all headers of the client go to it.',
        recorded('hydrator-query'),
      ),
      safer(
        '`hydrator`: one that compresses its answer, because the client’s `Accept-Encoding` was sent on, is 500.',
        'It is asked for an answer that is not compressed.',
        tested(
          'src/pipeline/mutators/hydrator.test.ts',
          'the headers of the request go with it, but those of the connection',
        ),
      ),
      safer(
        '`hydrator`: the cache counts entries, not their size, so that memory is not bounded.',
        'It is bounded.',
        tested('src/pipeline/mutators/hydrator.test.ts', 'with a cache, an equal request is not asked about again'),
      ),
      same('`id_token`: of a set of private keys alone the last one signs.', recorded('id-token-of-private-keys')),
      same(
        '`id_token`: `sub`, `iss`, `exp`, `iat`, `nbf` and `jti` of the template are overwritten.',
        recorded('id-token-claims'),
      ),
      safer(
        '`id_token`: the same token goes out until a tenth of its `ttl` is left, also after its key was changed.',
        'Not after its key was changed.',
        tested(
          'src/credentials/token-issuer.test.ts',
          'a token is another when subject, claims or profile are, or when the key was changed',
        ),
      ),
    ],
  },
  {
    title: 'Error handlers',
    quirks: [
      same(
        'Two handlers of a rule that are responsible are 500, with the reason whatever `verbose` says.',
        recorded('error-handlers-that-both-match'),
      ),
      same(
        '429 counts as `internal_server_error` in `when`; statuses without a name match nothing.',
        tested('src/pipeline/error-handlers/when.test.ts', 'an error has the name of its status'),
      ),
      safer(
        'What a service says about its limits (`Retry-After`, `X-RateLimit-*`) is lost unless `json` answers.',
        'It goes out with the answer of any handler.',
        recorded('rate-limit-is-internal'),
      ),
      safer(
        '`when.request.cidr` is ignored, and `remote_ip` refused.',
        'Both work as documented; a forwarded address counts only from a trusted proxy.',
        recorded('when-cidr'),
      ),
      same(
        '`redirect` with `return_to_query_param` on the decision API: the `?` of `X-Forwarded-Uri` is encoded twice.',
        recorded('return-url-of-decisions'),
      ),
      same(
        '`www_authenticate` answers 401 whatever the error is, with a realm that is not quoted.',
        tested('src/pipeline/error-handlers/www-authenticate.test.ts', 'Annex B 17'),
      ),
    ],
  },
  {
    title: 'Templates',
    quirks: [
      same(
        'A missing key is `<no value>`, printed by `print` it is empty; numbers above 999999 have an exponent.',
        recorded('numbers-in-templates'),
      ),
      safer(
        '`env`, `expandenv` and `getHostByName` reach the environment and the network.',
        'They reach what `templates.environment` names, and are 500 for the rest: who may write a rule need not be who may read the secrets of the process.',
        tested(
          'test/integration/template-environment.test.ts',
          'lets templates read the variables and look up the hosts that it names, and no others',
        ),
      ),
      safer(
        'A template that does not parse is 500 at each request.',
        'It is reported at load, with file and rule; what the rule matches is 500.',
        tested('src/pipeline/mutators/header.test.ts', 'a template that does not parse and a name that is none'),
      ),
    ],
  },
  {
    title: 'Proxy',
    quirks: [
      same(
        'A client can take its own `Authorization` away by naming it in `Connection`; headers of mutators stay.',
        recorded('connection-names-credentials'),
      ),
      same(
        '`strip_path` takes the first occurrence anywhere in the path: `api` makes `/v1/apiary` `/v1ary`.',
        recorded('strip-path'),
        'What is left never leads beside the path of the upstream.',
      ),
      same(
        'A path that is left as it is goes to the upstream as it was encoded; one that is changed in Go’s default encoding.',
        recorded('encoded-paths'),
      ),
      same(
        'An upstream that is down is 502 without a body, past the error handlers; a rule without an upstream is 500.',
        recorded('upstream-gone'),
      ),
      same('A rule without an upstream is 500 on the proxy, by the error handlers.', recorded('no-upstream')),
      safer(
        'A client that does not ask for compression makes the upstream be asked for gzip, which is taken off on the way.',
        'The upstream is asked for what the client asks for.',
      ),
      safer(
        'An answer without `Content-Type` is given the one that its first 512 bytes look like.',
        'It is passed on as it is: guessing a type is what browsers were taught not to do.',
      ),
      same(
        'CORS: every origin is told that it is allowed where `*` is; headers of the upstream’s own CORS are not taken away.',
        recorded('cors-any-origin'),
        'With a warning where credentials are allowed too.',
      ),
      safer(
        'Untrusted `X-Real-Ip` reaches the upstream.',
        'It is removed, as all others that say who the client is.',
        recorded('spoofed-identity-header'),
      ),
    ],
  },
  {
    title: 'Decision API, API, metrics',
    quirks: [
      safer(
        '`X-Forwarded-Uri` is taken as it stands: `/public/%2e%2e/admin` passes as something below `/public`.',
        'It is decoded and cleaned as the proxy’s path; where the two readings lead to two rules it is 400.',
        recorded('forwarded-uri-is-not-decoded'),
      ),
      same(
        'An unclean path of the API is redirected; a wrong method is 404, not 405; there is no `/version`, `/rules/` is no route.',
        recorded('api-routes'),
      ),
      same(
        'Not ready is 503 with `"code": 500` in its document.',
        recorded('not-ready'),
        'With what is missing beside it.',
      ),
      safer(
        'Metrics are on every path of their port.',
        'On `metrics_path` alone.',
        tested('test/integration/metrics.test.ts', 'prefix and path are as configured'),
      ),
      safer(
        'With `collapse_request_paths: false` the label `request` has the query; labels are not bounded.',
        'Without the query, and bounded.',
        tested(
          'src/observability/metrics/request-metrics.test.ts',
          'the label `request` is the first segment, the path without query, or empty',
        ),
      ),
      safer(
        'A decision about `/health/alive` is left out of the metrics.',
        'It is counted.',
        tested('test/integration/metrics.test.ts', 'requests of both listeners are counted'),
      ),
      same('Requests whose path begins with `/health` or `/metrics` are not traced, on the proxy too.'),
    ],
  },
  {
    title: 'Configuration, command line, log',
    quirks: [
      same(
        'No configuration file is looked for; several `-c` are merged.',
        tested('src/config/load.test.ts', 'several files are merged in their order'),
      ),
      same(
        'Variables have no prefix: `VERSION` or `LOG` of another program count.',
        tested('src/config/environment.test.ts', 'names without prefix collide with other programs'),
        'With the prefix `OATHKEEPER_` they do not.',
      ),
      same(
        '`serve proxy` and `serve api`, as in published examples, run everything.',
        tested('src/cli/program.test.ts', 'serve runs everything'),
      ),
      safer('`--disable-telemetry` is ignored; usage data goes to sqa.ory.sh.', 'There is no telemetry.'),
      safer(
        'The whole configuration is in the log at `debug`, secrets included.',
        'It never is.',
        tested('test/integration/log.test.ts', 'E-11'),
      ),
      safer(
        '`http_url` of the decision log has the query.',
        'The path is logged, without the query.',
        tested('src/observability/decision-log.test.ts', 'H-10: neither credentials nor a query are in the line'),
      ),
      unsupported(
        'The gRPC and Connect interceptors of the Go package `middleware`.',
        'A Go library cannot be had in Node. Envoy’s `ext_authz` by gRPC asks about the same rules.',
        tested('test/integration/ext-authz.test.ts', 'the product answers Envoy’s checks'),
      ),
    ],
  },
]
