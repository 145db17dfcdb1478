-- Reports: runs that read the balance transactions of an interval, and the files that they write.

CREATE TABLE report_runs (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  report_type TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  -- What was asked for, how far it has come, and what came of it, as JSON.
  details TEXT NOT NULL
) STRICT;

CREATE INDEX report_runs_by_account ON report_runs (account, livemode, created);

-- What a file says is in the bucket, in one object or several that follow each other.
CREATE TABLE files (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  details TEXT NOT NULL,
  -- The names of the objects, in order, as a JSON array.
  parts TEXT NOT NULL
) STRICT;

CREATE INDEX files_by_account ON files (account, livemode, created);
CREATE INDEX files_by_purpose ON files (account, livemode, purpose, created);
