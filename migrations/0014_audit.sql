-- The audit as a job that never stops the payments: where it stands, what it has added up, and what it found.

CREATE TABLE audit_run (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Counts the runs, from the first to the one that is under way.
  run INTEGER NOT NULL CHECK (run >= 1),
  -- When the next slice is due: of this run, or the first of it.
  due_at INTEGER NOT NULL,
  -- What is being read, and up to which key it was.
  stage TEXT NOT NULL,
  place TEXT NOT NULL,
  -- Up to where entries and balance transactions are in `audit_sums`: those that come later are added by triggers.
  entries_to TEXT NOT NULL,
  transactions_to INTEGER NOT NULL
) STRICT;

INSERT INTO audit_run (id, run, due_at, stage, place, entries_to, transactions_to) VALUES (1, 1, 0, '', '', '', 0);

-- What the audit has added up: entries by owner and kind, days together; balance transactions by owner (`kind` is '').
CREATE TABLE audit_sums (
  owner TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  currency TEXT NOT NULL,
  kind TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (owner, livemode, currency, kind)
) STRICT, WITHOUT ROWID;

-- So that what is added up is at every moment all that was written before that key, however long the audit takes.
CREATE TRIGGER ledger_entries_are_added_up AFTER INSERT ON ledger_entries
WHEN NEW.cause <= (SELECT entries_to FROM audit_run WHERE id = 1)
BEGIN
  INSERT INTO audit_sums (owner, livemode, currency, kind, amount)
  VALUES (NEW.owner, NEW.livemode, NEW.currency, NEW.kind, NEW.amount)
  ON CONFLICT DO UPDATE SET amount = amount + excluded.amount;
END;

CREATE TRIGGER balance_transactions_are_added_up AFTER INSERT ON balance_transactions
WHEN NEW.sequence <= (SELECT transactions_to FROM audit_run WHERE id = 1)
BEGIN
  INSERT INTO audit_sums (owner, livemode, currency, kind, amount)
  VALUES (NEW.account, NEW.livemode, NEW.currency, '', NEW.net)
  ON CONFLICT DO UPDATE SET amount = amount + excluded.amount;
END;

-- What does not hold, from the run that found it first to the last one that found it still.
CREATE TABLE audit_differences (
  name TEXT NOT NULL,
  subject TEXT NOT NULL,
  expected INTEGER NOT NULL,
  found INTEGER NOT NULL,
  created INTEGER NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (name, subject)
) STRICT, WITHOUT ROWID;

-- What is open, which the audit adds up for each merchant at once. A payment that is taken at once writes nothing here.
CREATE INDEX charges_by_hold ON charges (account) WHERE status = 'succeeded' AND amount > captured + released;
CREATE INDEX disputes_by_withheld ON disputes (account) WHERE status IN ('needs_response', 'under_review');
CREATE INDEX payouts_by_transit ON payouts (account) WHERE status IN ('pending', 'in_transit');

-- Fewer rows for each payment: beside the indexes that they take the place of, which the previous version of the code
-- still names, and which 0015 takes away.

-- Every card payment has an event of each of these types, which are found by account nearly as fast.
CREATE INDEX events_by_rare_type ON events (account, livemode, type, created)
WHERE type NOT IN ('charge.succeeded', 'payment_intent.created', 'payment_intent.succeeded');

-- Written once an operation is over, and not before and after it.
CREATE INDEX payment_intents_by_status_at_rest ON payment_intents (account, livemode, status, created)
WHERE pending_operation IS NULL OR status = 'processing';
