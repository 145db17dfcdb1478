-- Bank accounts behind names that can be used once.
CREATE TABLE bank_account_tokens (
  id TEXT PRIMARY KEY,
  bank_account TEXT NOT NULL,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  used INTEGER NOT NULL CHECK (used IN (0, 1)),
  client_ip TEXT,
  currency TEXT NOT NULL,
  -- What is kept of the number, and whose it is, as JSON.
  details TEXT NOT NULL
) STRICT, WITHOUT ROWID;
