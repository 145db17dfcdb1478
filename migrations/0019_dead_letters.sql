-- Messages that no consumer could take, and why. What they stood for is in other tables: a dead letter loses no money
-- and no event, but somebody should know of it.
CREATE TABLE dead_letters (
  sequence INTEGER PRIMARY KEY,
  queue TEXT NOT NULL CHECK (queue IN ('wake', 'events', 'deliveries')),
  body TEXT NOT NULL,
  problem TEXT NOT NULL,
  -- How often such a message was parked.
  count INTEGER NOT NULL CHECK (count >= 1),
  first_parked_at INTEGER NOT NULL,
  last_parked_at INTEGER NOT NULL,
  -- Whether an operator wants it to be tried again.
  redrive INTEGER NOT NULL DEFAULT 0 CHECK (redrive IN (0, 1)),
  UNIQUE (queue, body)
) STRICT;

CREATE INDEX dead_letters_to_redrive ON dead_letters (sequence) WHERE redrive = 1;
