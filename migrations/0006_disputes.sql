-- Disputes: what cardholders and their banks ask back, and what became of it.
CREATE TABLE disputes (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  amount INTEGER NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN (
    'warning_needs_response', 'warning_under_review', 'warning_closed', 'needs_response', 'under_review', 'won', 'lost'
  )),
  charge TEXT NOT NULL,
  payment_intent TEXT,
  -- The evidence, the dates and the movements of the balance, as JSON.
  details TEXT NOT NULL
) STRICT;

CREATE INDEX disputes_by_account ON disputes (account, livemode, created);
CREATE INDEX disputes_by_charge ON disputes (charge, created);
CREATE INDEX disputes_by_intent ON disputes (payment_intent, created) WHERE payment_intent IS NOT NULL;
