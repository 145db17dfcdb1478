-- What payment processors told unasked: written in the batch of what it changes, and kept for 30 days.
CREATE TABLE connector_webhooks (
  sequence INTEGER PRIMARY KEY,
  -- Made of the account at the processor and its event: what is told twice is one row.
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  connector_account TEXT NOT NULL,
  event TEXT NOT NULL,
  type TEXT NOT NULL,
  -- The processor's reference of what it is about.
  reference TEXT,
  status TEXT NOT NULL CHECK (status IN ('processed', 'ignored', 'parked')),
  problem TEXT,
  -- What came, while it is to be tried again.
  body TEXT,
  CHECK ((body IS NULL) = (status <> 'parked'))
) STRICT;

CREATE INDEX connector_webhooks_by_account ON connector_webhooks (account, livemode, created);
CREATE INDEX connector_webhooks_by_status ON connector_webhooks (account, livemode, status, created);

-- Disputes and refunds name the payment by the processor's reference alone. What the simulator makes is left out.
CREATE INDEX attempts_by_reference ON attempts (connector_account, processor_reference)
WHERE kind = 'authorize' AND connector_account IS NOT NULL AND processor_reference IS NOT NULL;
