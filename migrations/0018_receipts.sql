-- Receipts are made from events, too: how far that has come.
ALTER TABLE fan_out ADD COLUMN receipt_event INTEGER NOT NULL DEFAULT 0;

-- What was paid before has no link to a receipt.
UPDATE fan_out SET receipt_event = (SELECT COALESCE(MAX(sequence), 0) FROM events);

-- Mail that a developer's machine would have sent; empty in production.
CREATE TABLE development_outbox (
  sequence INTEGER PRIMARY KEY,
  idempotency_key TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  html TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
