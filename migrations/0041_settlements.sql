-- Settlement: what processors report, and how it differs from the books. docs/reconciliation.md says how it works.

CREATE TABLE settlement_reports (
  sequence INTEGER PRIMARY KEY,
  -- Made of the account and the file: the same file is the same report.
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  connector_account TEXT NOT NULL,
  lines INTEGER NOT NULL CHECK (lines >= 0)
) STRICT;

CREATE INDEX settlement_reports_by_account ON settlement_reports (account, livemode, created);

-- Each movement that a processor told of, as it was told last.
CREATE TABLE settlement_lines (
  sequence INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  connector_account TEXT NOT NULL,
  -- The processor's own name of the movement.
  reference TEXT NOT NULL,
  -- Where it was told first, or as it stands.
  report TEXT NOT NULL,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  source TEXT,
  payment TEXT,
  key TEXT,
  currency TEXT NOT NULL,
  gross INTEGER NOT NULL,
  fee INTEGER NOT NULL,
  net INTEGER NOT NULL,
  presented INTEGER NOT NULL,
  presented_currency TEXT NOT NULL,
  exchange_rate TEXT,
  payout TEXT,
  -- Whether the sum of its payout was looked at since it came to it.
  payout_checked INTEGER NOT NULL CHECK (payout_checked IN (0, 1)),
  created INTEGER NOT NULL,
  -- A digest of what is to be booked, and those of what was told before and is not so any more.
  content TEXT NOT NULL,
  superseded TEXT NOT NULL,
  -- 'new' waits to be judged; 'open' differs; 'booked' is in the books; 'corrected' is to be taken out of them first.
  state TEXT NOT NULL CHECK (state IN ('new', 'open', 'booked', 'corrected')),
  -- The cause of our entry that it settles, and how often it was booked.
  settles TEXT,
  bookings INTEGER NOT NULL,
  UNIQUE (connector_account, reference),
  CHECK (net = gross - fee),
  CHECK (settles IS NULL OR state IN ('booked', 'corrected'))
) STRICT;

CREATE INDEX settlement_lines_to_judge ON settlement_lines (connector_account, state, payment) WHERE state <> 'booked';
CREATE INDEX settlement_lines_by_settled ON settlement_lines (settles) WHERE settles IS NOT NULL;
CREATE INDEX settlement_lines_by_payout ON settlement_lines (connector_account, payout) WHERE payout IS NOT NULL;
CREATE INDEX settlement_lines_of_unchecked_payouts ON settlement_lines (connector_account, payout)
WHERE payout IS NOT NULL AND payout_checked = 0;
CREATE INDEX settlement_lines_by_time ON settlement_lines (connector_account, created);

-- What processors have yet to settle: a row for each entry in the clearing account of one, until it is booked.
CREATE TABLE settlement_expectations (
  owner TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  cause TEXT NOT NULL,
  PRIMARY KEY (owner, created, cause)
) STRICT, WITHOUT ROWID;

-- The simulator settles by itself. What settles an expectation is posted to the same account, under a cause of its own.
CREATE TRIGGER ledger_entries_are_to_be_settled AFTER INSERT ON ledger_entries
WHEN NEW.kind = 'clearing' AND NEW.owner <> 'simulator' AND NEW.cause NOT LIKE 'settled:%'
BEGIN
  INSERT INTO settlement_expectations (owner, livemode, created, cause)
  VALUES (NEW.owner, NEW.livemode, NEW.created, NEW.cause);
END;

CREATE TABLE settlement_breaks (
  sequence INTEGER PRIMARY KEY,
  -- Made of the account, the kind and the subject: what differs is one break, however often it is found.
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  connector_account TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  ours TEXT,
  theirs TEXT,
  currency TEXT NOT NULL,
  expected INTEGER,
  found INTEGER,
  status TEXT NOT NULL CHECK (status IN ('open', 'closed', 'resolved')),
  note TEXT,
  CHECK ((note IS NOT NULL) = (status = 'resolved'))
) STRICT;

CREATE INDEX settlement_breaks_by_account ON settlement_breaks (account, livemode, created);
CREATE INDEX settlement_breaks_by_status ON settlement_breaks (account, livemode, status, created);
CREATE INDEX settlement_breaks_by_subject ON settlement_breaks (connector_account, subject);
CREATE INDEX settlement_breaks_open ON settlement_breaks (connector_account) WHERE status = 'open';

-- One alert for an account, however many breaks it has: a report that is not complete has thousands. What the next lines
-- mend calls for nobody. OR IGNORE would not hold: how the statement treats conflicts that fires a trigger counts within it.
CREATE TRIGGER settlement_breaks_call_for_a_person AFTER INSERT ON settlement_breaks WHEN NEW.status = 'open'
BEGIN
  INSERT INTO alerts (name, subject, problem, due_at)
  SELECT 'settlement_differs', NEW.connector_account, NEW.kind || ' of ' || substr(NEW.subject, 1, 200), NEW.created + 900
  WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE name = 'settlement_differs' AND subject = NEW.connector_account);
END;

CREATE TRIGGER settlement_breaks_are_open_again AFTER UPDATE OF status ON settlement_breaks
WHEN NEW.status = 'open' AND OLD.status <> 'open'
BEGIN
  INSERT INTO alerts (name, subject, problem, due_at)
  SELECT 'settlement_differs', NEW.connector_account, NEW.kind || ' of ' || substr(NEW.subject, 1, 200), 0
  WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE name = 'settlement_differs' AND subject = NEW.connector_account);
END;

CREATE TRIGGER settlement_breaks_are_over AFTER UPDATE OF status ON settlement_breaks WHEN NEW.status <> 'open'
AND NOT EXISTS (SELECT 1 FROM settlement_breaks AS b WHERE b.connector_account = NEW.connector_account AND b.status = 'open')
BEGIN
  DELETE FROM alerts WHERE name = 'settlement_differs' AND subject = NEW.connector_account;
END;
