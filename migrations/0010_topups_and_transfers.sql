-- Top-ups: money that a merchant's own bank adds to the balance.
CREATE TABLE topups (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'canceled', 'reversed')),
  details TEXT NOT NULL
) STRICT;

CREATE INDEX topups_by_account ON topups (account, livemode, created);
CREATE INDEX topups_by_status ON topups (account, livemode, status, created);

-- The account that made this one, and may transfer money to it; NULL where an operator did.
ALTER TABLE accounts ADD COLUMN platform TEXT;

-- Transfers: money that went from a merchant to an account that is connected to it.
CREATE TABLE transfers (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  -- How much of it came back.
  reversed INTEGER NOT NULL CHECK (reversed BETWEEN 0 AND amount),
  destination TEXT NOT NULL,
  details TEXT NOT NULL
) STRICT;

CREATE INDEX transfers_by_account ON transfers (account, livemode, created);
CREATE INDEX transfers_by_destination ON transfers (destination, created);
CREATE INDEX transfers_by_transfer_group ON transfers (details ->> 'transfer_group', created)
WHERE details ->> 'transfer_group' IS NOT NULL;

CREATE TABLE transfer_reversals (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  transfer TEXT NOT NULL,
  -- All that is shown of it, as JSON.
  reversal TEXT NOT NULL
) STRICT;

CREATE INDEX transfer_reversals_by_account ON transfer_reversals (account, livemode, created);
CREATE INDEX transfer_reversals_by_transfer ON transfer_reversals (transfer, created);
