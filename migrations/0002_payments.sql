-- Payments: intents, the attempts behind them, charges, refunds, and who pays with what.
--
-- Columns are what is guarded, summed, filtered or sorted; `details` is JSON that is only echoed.
-- Every list is ordered by (created, sequence): `sequence` is the rowid, so it ends each index anyway.

CREATE TABLE customers (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  email TEXT,
  -- The same without regard to case, for searches: SQLite folds ASCII alone.
  folded_email TEXT,
  details TEXT NOT NULL,
  CHECK ((email IS NULL) = (folded_email IS NULL))
) STRICT;

CREATE INDEX customers_by_account ON customers (account, livemode, deleted, created);
CREATE INDEX customers_by_email ON customers (account, livemode, email, created)
WHERE email IS NOT NULL AND deleted = 0;
CREATE INDEX customers_by_folded_email ON customers (account, livemode, folded_email, created)
WHERE folded_email IS NOT NULL AND deleted = 0;

CREATE TABLE payment_methods (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  customer TEXT,
  -- A customer kept it before and let it go; it cannot be used again.
  detached INTEGER NOT NULL CHECK (detached IN (0, 1)),
  -- What may be shown of the card, as JSON.
  card TEXT NOT NULL,
  -- The number under the master key.
  sealed_number TEXT NOT NULL,
  details TEXT NOT NULL
) STRICT;

CREATE INDEX payment_methods_by_account ON payment_methods (account, livemode, created);
CREATE INDEX payment_methods_by_customer ON payment_methods (customer, created)
WHERE customer IS NOT NULL;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  card_id TEXT NOT NULL,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  used INTEGER NOT NULL CHECK (used IN (0, 1)),
  client_ip TEXT,
  card TEXT NOT NULL,
  sealed_number TEXT NOT NULL,
  billing_details TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE payment_intents (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  capturable INTEGER NOT NULL CHECK (capturable >= 0),
  received INTEGER NOT NULL CHECK (received >= 0),
  status TEXT NOT NULL CHECK (status IN (
    'requires_payment_method', 'requires_confirmation', 'requires_action', 'processing',
    'requires_capture', 'succeeded', 'canceled'
  )),
  canceled_at INTEGER,
  cancellation_reason TEXT,
  customer TEXT,
  payment_method TEXT,
  latest_charge TEXT,
  -- The attempt that holds this intent while a processor is asked.
  pending_operation TEXT,
  details TEXT NOT NULL,
  CHECK (received + capturable <= amount),
  CHECK ((status = 'canceled') = (canceled_at IS NOT NULL))
) STRICT;

CREATE INDEX payment_intents_by_account ON payment_intents (account, livemode, created);
CREATE INDEX payment_intents_by_customer ON payment_intents (customer, created)
WHERE customer IS NOT NULL;
CREATE INDEX payment_intents_by_status ON payment_intents (account, livemode, status, created);
CREATE INDEX payment_intents_by_amount ON payment_intents (account, livemode, amount, created);

-- One try to move money at a processor, kept before the processor is asked.
CREATE TABLE attempts (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('authorize', 'capture', 'increment', 'void', 'refund')),
  state TEXT NOT NULL CHECK (state IN (
    'started', 'requires_action', 'processing', 'succeeded', 'failed', 'canceled'
  )),
  connector TEXT NOT NULL,
  processor_reference TEXT,
  payment_intent TEXT,
  charge TEXT,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  currency TEXT NOT NULL,
  -- What was asked and what came of it, as JSON.
  request TEXT NOT NULL,
  resolution TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE charges (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  captured INTEGER NOT NULL CHECK (captured >= 0),
  released INTEGER NOT NULL CHECK (released >= 0),
  refunded INTEGER NOT NULL CHECK (refunded >= 0),
  status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  disputed INTEGER NOT NULL CHECK (disputed IN (0, 1)),
  payment_intent TEXT,
  customer TEXT,
  payment_method TEXT,
  details TEXT NOT NULL,
  -- The backstops of every capture and refund.
  CHECK (captured + released <= amount),
  CHECK (refunded <= captured)
) STRICT;

CREATE INDEX charges_by_account ON charges (account, livemode, created);
CREATE INDEX charges_by_intent ON charges (payment_intent, created)
WHERE payment_intent IS NOT NULL;
CREATE INDEX charges_by_customer ON charges (customer, created) WHERE customer IS NOT NULL;

CREATE TABLE refunds (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN (
    'pending', 'requires_action', 'succeeded', 'failed', 'canceled'
  )),
  charge TEXT NOT NULL,
  payment_intent TEXT,
  pending_operation TEXT,
  details TEXT NOT NULL
) STRICT;

CREATE INDEX refunds_by_account ON refunds (account, livemode, created);
CREATE INDEX refunds_by_charge ON refunds (charge, created);
CREATE INDEX refunds_by_intent ON refunds (payment_intent, created)
WHERE payment_intent IS NOT NULL;

-- One row for each key-value pair, for searches by metadata; it names its object by its sequence, so
-- that what is found is in the order of every other search.
CREATE TABLE metadata_entries (
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  resource TEXT NOT NULL,
  key TEXT NOT NULL,
  -- Without regard to case.
  value TEXT NOT NULL,
  created INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (account, livemode, resource, key, value, created, sequence)
) STRICT, WITHOUT ROWID;

-- What merchants are told, written with the change that it tells of.
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  type TEXT NOT NULL,
  object TEXT NOT NULL,
  -- The object as it was, and the old values of what changed, as JSON.
  data TEXT NOT NULL,
  api_version TEXT NOT NULL,
  request TEXT,
  idempotency_key TEXT
) STRICT;

CREATE INDEX events_by_account ON events (account, livemode, created);
CREATE INDEX events_by_type ON events (account, livemode, type, created);

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'events are append-only');
END;

-- INSERT OR REPLACE would delete the old row without asking the trigger above.
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id OR sequence = NEW.sequence)
BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: events.id');
END;

-- Work that becomes due: what the heartbeat looks at.
CREATE TABLE scheduled_tasks (
  due_at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  -- How often it was tried in vain.
  tries INTEGER NOT NULL CHECK (tries >= 0),
  PRIMARY KEY (due_at, kind, subject)
) STRICT, WITHOUT ROWID;

-- How far the development clock runs ahead of the real one; empty in production.
CREATE TABLE development_clock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  ahead_seconds INTEGER NOT NULL CHECK (ahead_seconds >= 0)
) STRICT;
