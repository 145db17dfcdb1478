-- Merchants and the keys that they call with.

-- A guard that does not hold raises `guard:<name>` and rolls its whole batch back; no row is ever stored.
CREATE VIEW guard (held, name) AS SELECT 1, '' WHERE 0;

CREATE TRIGGER guard_holds INSTEAD OF INSERT ON guard
WHEN NOT coalesce(NEW.held, 0)
BEGIN
  SELECT RAISE(ABORT, 'guard:' || NEW.name);
END;

CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT,
  country TEXT NOT NULL,
  default_currency TEXT NOT NULL,
  -- How many idempotency objects share an account's keys, in each mode; fixed for the account's life.
  idempotency_shards INTEGER NOT NULL CHECK (idempotency_shards BETWEEN 1 AND 256),
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A key itself is never stored: only its SHA-256, and enough of its text to recognise it.
CREATE TABLE api_keys (
  hash TEXT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL REFERENCES accounts (id),
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  kind TEXT NOT NULL CHECK (kind IN ('secret', 'publishable', 'restricted')),
  name TEXT,
  -- For people: the prefix and the last four characters, as in "sk_test_...4f2a".
  display TEXT NOT NULL,
  -- A restricted key's rights as a JSON object from resource to "read" or "write"; NULL for the other kinds.
  permissions TEXT CHECK ((permissions IS NOT NULL) = (kind = 'restricted')),
  created INTEGER NOT NULL,
  -- Set when the key is rolled (the end of the overlap) or revoked (now); seconds since the epoch.
  expires_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_account ON api_keys (account, livemode, created);
