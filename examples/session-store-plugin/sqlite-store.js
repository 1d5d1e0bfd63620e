import { DatabaseSync } from 'node:sqlite'

const SWEEP_MS = 60_000
/** How long it waits for another process that is writing. */
const BUSY_MS = 250

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA busy_timeout = ${BUSY_MS};
  CREATE TABLE IF NOT EXISTS sessions (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    subject TEXT, provider_session TEXT,
    -- Why it ended: then the row only says so.
    ended TEXT
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS sessions_by_subject ON sessions (subject);
  CREATE INDEX IF NOT EXISTS sessions_by_provider_session ON sessions (provider_session);
  CREATE INDEX IF NOT EXISTS sessions_by_end ON sessions (expires_at);
  CREATE TABLE IF NOT EXISTS states (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
`

/**
 * Sessions in an SQLite file: they outlive a restart, and the processes of one machine share them.
 *
 * `options` is `session_store.config`, `deps` what Oathkeeper lends: a clock, which a test can move, and a logger. Every
 * operation is one SQL statement and so one atomic step. It answers at once, without a promise; one that asks over a network
 * would return promises.
 */
export function createSessionStore(options, { clock, logger }) {
  if (typeof options.file !== 'string') throw new Error('session_store.config.file must be the path of a database file')
  const db = new DatabaseSync(options.file)
  db.exec(SCHEMA)
  const sql = prepare(db)
  let cancelSweep
  let tellEnd

  function sweepLater() {
    cancelSweep = clock.schedule(SWEEP_MS, () => {
      for (const statement of sql.sweeps) statement.run(clock.now())
      sweepLater()
    })
  }

  return {
    kind: 'sqlite',
    async start() {
      sweepLater()
      logger.debug({ file: options.file }, 'session database is open')
    },
    async ping() {
      sql.ping.get()
    },
    getSession: (key) => {
      const row = sql.get.get(key, clock.now())
      if (row?.ended) tellEnd?.({ kind: 'found', key, reason: row.ended })
      return row && !row.ended ? { value: row.value, version: row.version, expiresAt: row.expires_at } : undefined
    },
    createSession: (key, value, expiresAt, { subject, providerSession = null }) =>
      sql.create.run(key, value, expiresAt, subject, providerSession, clock.now()).changes === 1,
    updateSession: (key, value, expiresAt, expectedVersion) =>
      sql.update.run(value, expiresAt, key, expectedVersion, clock.now()).changes === 1,
    deleteSession: (key, end) =>
      end === undefined
        ? sql.delete.get(key)?.expires_at > clock.now()
        : sql.end.run(end.until, end.reason, key, clock.now()).changes === 1,
    markEnd: (key, { reason, until }) => sql.markEnd.run(key, until, reason, clock.now()).changes === 1,
    onEnd: (listener) => {
      tellEnd = listener
    },
    findSessions: ({ subject = null, providerSession = null }) =>
      subject === null && providerSession === null
        ? []
        : sql.find.all({ subject, providerSession, now: clock.now() }).map((row) => row.key),
    putState: (key, value, expiresAt) => {
      sql.putState.run(key, value, expiresAt)
    },
    takeState: (key) => {
      const row = sql.takeState.get(key)
      return row !== undefined && row.expires_at > clock.now() ? row.value : undefined
    },
    acquireLease: (name, holder, ttlMs) => {
      const now = clock.now()
      return sql.acquireLease.run(name, holder, now + ttlMs, now).changes === 1
    },
    renewLease: (name, holder, ttlMs) => {
      const now = clock.now()
      return sql.renewLease.run(now + ttlMs, name, holder, now).changes === 1
    },
    releaseLease: (name, holder) => {
      sql.releaseLease.run(name, holder)
    },
    putNote: (name, text, expiresAt) => {
      sql.putNote.run(name, text, expiresAt)
    },
    getNote: (name) => sql.getNote.get(name, clock.now())?.text,
    async close() {
      cancelSweep?.()
      db.close()
    },
  }
}

function prepare(db) {
  return {
    ping: db.prepare('SELECT 1'),
    get: db.prepare('SELECT value, version, expires_at, ended FROM sessions WHERE key = ? AND expires_at > ?'),
    // A row that is over gives way; a live one stays, and nothing has changed.
    create: db.prepare(`
      INSERT INTO sessions (key, value, version, expires_at, subject, provider_session) VALUES (?, ?, 1, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = 1, expires_at = excluded.expires_at,
        subject = excluded.subject, provider_session = excluded.provider_session, ended = NULL WHERE expires_at <= ?`),
    update: db.prepare(`
      UPDATE sessions SET value = ?, expires_at = ?, version = version + 1
      WHERE key = ? AND version = ? AND expires_at > ?`),
    delete: db.prepare('DELETE FROM sessions WHERE key = ? AND ended IS NULL RETURNING expires_at'),
    end: db.prepare(`
      UPDATE sessions SET value = x'', version = 0, subject = NULL, provider_session = NULL, expires_at = ?, ended = ?
      WHERE key = ? AND ended IS NULL AND expires_at > ?`),
    markEnd: db.prepare(`
      INSERT INTO sessions (key, value, version, expires_at, ended) VALUES (?, x'', 0, ?, ?)
      ON CONFLICT (key) DO UPDATE SET value = x'', version = 0, subject = NULL, provider_session = NULL,
        expires_at = excluded.expires_at, ended = excluded.ended WHERE expires_at <= ?`),
    find: db.prepare(`
      SELECT key FROM sessions WHERE (:subject IS NULL OR subject = :subject)
        AND (:providerSession IS NULL OR provider_session = :providerSession) AND expires_at > :now`),
    putState: db.prepare('INSERT OR REPLACE INTO states (key, value, expires_at) VALUES (?, ?, ?)'),
    takeState: db.prepare('DELETE FROM states WHERE key = ? RETURNING value, expires_at'),
    acquireLease: db.prepare(`
      INSERT INTO leases (name, holder, expires_at) VALUES (?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at WHERE expires_at <= ?`),
    renewLease: db.prepare('UPDATE leases SET expires_at = ? WHERE name = ? AND holder = ? AND expires_at > ?'),
    releaseLease: db.prepare('DELETE FROM leases WHERE name = ? AND holder = ?'),
    putNote: db.prepare('INSERT OR REPLACE INTO notes (name, text, expires_at) VALUES (?, ?, ?)'),
    getNote: db.prepare('SELECT text FROM notes WHERE name = ? AND expires_at > ?'),
    sweeps: ['sessions', 'states', 'leases', 'notes'].map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE expires_at <= ?`),
    ),
  }
}
