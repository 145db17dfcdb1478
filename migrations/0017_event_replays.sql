-- What was asked to be sent again: one event to one endpoint, or all that a filter finds.
CREATE TABLE event_replays (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  endpoint TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  -- What was asked for, and how far it has come, as JSON.
  details TEXT NOT NULL
) STRICT;

-- A delivery that is sent again begins its schedule anew: when that was, how often it had been attempted before, and
-- which replay asked for it.
ALTER TABLE deliveries ADD COLUMN replayed_at INTEGER;
ALTER TABLE deliveries ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN replay TEXT;

-- What waits for its next attempt, for those who look: it costs a delivery nothing that succeeds at once.
CREATE INDEX deliveries_waiting ON deliveries (endpoint, event) WHERE next_attempt_at IS NOT NULL;
