-- Where merchants hear of events.
CREATE TABLE webhook_endpoints (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  url TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('enabled', 'disabled', 'deleted')),
  -- Delivered to by its own object: it is slow, failing, limited or ordered.
  is_alone INTEGER NOT NULL CHECK (is_alone IN (0, 1)),
  failing_since INTEGER,
  warned_at INTEGER,
  -- It hears of what happened after this event.
  since_event INTEGER NOT NULL,
  -- Every delivery of an event up to this one has an end, or a time for its next attempt.
  settled_through INTEGER NOT NULL,
  -- What it hears of, its sealed secrets, and what is only echoed, as JSON.
  details TEXT NOT NULL
) STRICT;

CREATE INDEX webhook_endpoints_by_account ON webhook_endpoints (account, livemode, created);

-- One row for each event that an endpoint is to hear of. The key is the only index that a delivery costs which
-- succeeds at once: one row is written when it is planned, and one when it arrived.
CREATE TABLE deliveries (
  endpoint TEXT NOT NULL,
  -- The event's sequence.
  event INTEGER NOT NULL,
  created INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  -- Set unless a queue message stands for the first attempt.
  next_attempt_at INTEGER,
  -- The object that the event is about, where the endpoint wants them in order.
  object TEXT,
  -- What came of the last attempt: when, the HTTP status, why there is none, milliseconds, what was answered.
  attempted_at INTEGER,
  status_code INTEGER,
  problem TEXT,
  milliseconds INTEGER,
  response TEXT,
  PRIMARY KEY (endpoint, event),
  CHECK (next_attempt_at IS NULL OR state = 'pending')
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_due ON deliveries (endpoint, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX deliveries_in_order ON deliveries (endpoint, object, event)
WHERE object IS NOT NULL AND state = 'pending';
CREATE INDEX deliveries_failed ON deliveries (endpoint, event) WHERE state = 'failed';

-- The attempts that failed; the last attempt of a delivery is in its own row, too.
CREATE TABLE delivery_attempts (
  endpoint TEXT NOT NULL,
  event INTEGER NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  attempted_at INTEGER NOT NULL,
  status_code INTEGER,
  problem TEXT,
  milliseconds INTEGER NOT NULL,
  response TEXT,
  PRIMARY KEY (endpoint, event, number)
) STRICT, WITHOUT ROWID;

-- How far events were handed to their endpoints, and how far the search for lost deliveries has come.
CREATE TABLE fan_out (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- The last event that was handed out.
  event INTEGER NOT NULL,
  -- When the last search was complete, and the last endpoint that the present one has looked at.
  searched_at INTEGER NOT NULL,
  searched_through TEXT NOT NULL
) STRICT;

INSERT INTO fan_out SELECT 1, COALESCE(MAX(sequence), 0), 0, '' FROM events;
