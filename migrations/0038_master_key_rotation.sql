-- The keys behind what merchants and customers see, as the fingerprint of a card: made of the first master key, and kept
-- sealed under the present one, so that a new master key changes none of it.
CREATE TABLE lasting_keys (
  name TEXT PRIMARY KEY,
  sealed TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far everything was sealed again under the present master key.
CREATE TABLE resealing (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- The name of the master key under which everything is to be; empty before the first.
  master_key TEXT NOT NULL,
  -- What is being read, and up to which key it was.
  stage TEXT NOT NULL,
  place TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  -- What this pass has sealed again, and what no key opens.
  resealed INTEGER NOT NULL,
  broken INTEGER NOT NULL,
  -- When a whole pass was over that found nothing to seal again.
  completed_at INTEGER
) STRICT;

INSERT INTO resealing VALUES (1, '', '', '', 0, 0, 0, NULL);
