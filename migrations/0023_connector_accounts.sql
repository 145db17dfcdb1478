-- Accounts at payment processors, one for each merchant, mode and processor account.
CREATE TABLE connector_accounts (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  -- The connector's name, as "stripe".
  connector TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
  -- What opens it, under the master key; nothing once it was deleted.
  sealed_credentials TEXT,
  -- What is only read after the row was found, as JSON.
  details TEXT NOT NULL,
  CHECK ((sealed_credentials IS NULL) = (status = 'deleted'))
) STRICT;

CREATE INDEX connector_accounts_by_account ON connector_accounts (account, livemode, created);
-- Read with every API key: payments go to the account that was made first.
CREATE INDEX connector_accounts_active ON connector_accounts (account, livemode, created)
WHERE status = 'active';

-- Which of them an attempt goes to; none at the built-in simulator.
ALTER TABLE attempts ADD COLUMN connector_account TEXT;
-- Why a person has to look at it: the processor did something else than was asked, or never said what it did.
ALTER TABLE attempts ADD COLUMN attention TEXT;

CREATE INDEX attempts_by_attention ON attempts (account, livemode, created) WHERE attention IS NOT NULL;
