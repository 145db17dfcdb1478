-- Where a merchant's payments go, in each mode: versions of a document, each of which stays as it was.
CREATE TABLE routings (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  -- From 1; the newest counts.
  version INTEGER NOT NULL CHECK (version >= 1),
  document TEXT NOT NULL,
  UNIQUE (account, livemode, version)
) STRICT;

CREATE INDEX routings_by_account ON routings (account, livemode, created);

CREATE TRIGGER routings_are_never_changed BEFORE UPDATE ON routings
BEGIN
  SELECT RAISE(ABORT, 'routings are append-only');
END;

CREATE TRIGGER routings_are_never_deleted BEFORE DELETE ON routings
BEGIN
  SELECT RAISE(ABORT, 'routings are append-only');
END;

CREATE TRIGGER routings_are_never_replaced BEFORE INSERT ON routings
WHEN EXISTS (SELECT 1 FROM routings WHERE account = NEW.account AND livemode = NEW.livemode
  AND version = NEW.version)
BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: routings.version');
END;

-- The version that chose an attempt's account; none where none was asked.
ALTER TABLE attempts ADD COLUMN routing_version INTEGER;
-- It was sent once more: whoever sent it first may no longer take it for undone and try elsewhere.
ALTER TABLE attempts ADD COLUMN sent_again INTEGER;

CREATE INDEX attempts_by_intent ON attempts (account, livemode, payment_intent, created)
WHERE routing_version IS NOT NULL;
