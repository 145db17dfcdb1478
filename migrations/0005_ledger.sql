-- The ledger: what moved, what each account holds, and what merchants see of it. docs/ledger.md says how it works.

-- Beside the accounts themselves, so that the previous version of the code goes on without them.
ALTER TABLE accounts ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- What a merchant pays; the newest counts, and what was priced names the one that it was priced by.
CREATE TABLE price_plans (
  account TEXT NOT NULL REFERENCES accounts (id),
  version INTEGER NOT NULL CHECK (version >= 1),
  created INTEGER NOT NULL,
  plan TEXT NOT NULL,
  PRIMARY KEY (account, version)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER price_plans_are_never_changed BEFORE UPDATE ON price_plans
BEGIN
  SELECT RAISE(ABORT, 'price plans are append-only');
END;

-- What each account holds: the sum of its entries. A debit raises it. `day` is 0 for kinds not kept by day; an
-- account of a day that holds nothing has no row.
CREATE TABLE ledger_accounts (
  owner TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  currency TEXT NOT NULL,
  kind TEXT NOT NULL,
  day INTEGER NOT NULL,
  balance INTEGER NOT NULL,
  PRIMARY KEY (owner, livemode, currency, kind, day)
) STRICT, WITHOUT ROWID;

-- What comes due by day. A balance that moves writes nothing here.
CREATE INDEX ledger_accounts_by_day ON ledger_accounts (kind, day) WHERE kind IN ('pending', 'clearing');

CREATE TABLE ledger_entries (
  -- What is posted, as an attempt's id and what came of it; each is posted once.
  cause TEXT NOT NULL,
  leg INTEGER NOT NULL,
  owner TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  currency TEXT NOT NULL,
  kind TEXT NOT NULL,
  day INTEGER NOT NULL,
  -- A debit is positive.
  amount INTEGER NOT NULL CHECK (amount <> 0),
  created INTEGER NOT NULL,
  PRIMARY KEY (cause, leg)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER ledger_entries_are_never_changed BEFORE UPDATE ON ledger_entries
BEGIN
  SELECT RAISE(ABORT, 'ledger entries are append-only');
END;

CREATE TRIGGER ledger_entries_are_never_deleted BEFORE DELETE ON ledger_entries
BEGIN
  SELECT RAISE(ABORT, 'ledger entries are append-only');
END;

-- INSERT OR REPLACE would delete the old row without asking the triggers above.
CREATE TRIGGER ledger_entries_are_never_replaced BEFORE INSERT ON ledger_entries
WHEN EXISTS (SELECT 1 FROM ledger_entries WHERE cause = NEW.cause AND leg = NEW.leg)
BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: ledger_entries.cause');
END;

-- Balances cannot part from the entries: nothing else writes them.
CREATE TRIGGER ledger_entries_move_balances AFTER INSERT ON ledger_entries
BEGIN
  INSERT INTO ledger_accounts (owner, livemode, currency, kind, day, balance)
  VALUES (NEW.owner, NEW.livemode, NEW.currency, NEW.kind, NEW.day, NEW.amount)
  ON CONFLICT DO UPDATE SET balance = balance + excluded.balance;
END;

CREATE TRIGGER ledger_accounts_of_a_day_end AFTER UPDATE ON ledger_accounts WHEN NEW.balance = 0 AND NEW.day <> 0
BEGIN
  DELETE FROM ledger_accounts
  WHERE owner = NEW.owner AND livemode = NEW.livemode AND currency = NEW.currency AND kind = NEW.kind AND day = NEW.day;
END;

-- What merchants see: each movement of their balance.
CREATE TABLE balance_transactions (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  type TEXT NOT NULL,
  currency TEXT NOT NULL,
  -- Signed minor units: what came (positive) or went, before fees.
  amount INTEGER NOT NULL,
  fee INTEGER NOT NULL,
  net INTEGER NOT NULL,
  available_on INTEGER NOT NULL,
  -- The charge, refund, dispute or payout behind it.
  source TEXT,
  details TEXT NOT NULL,
  CHECK (net = amount - fee)
) STRICT;

CREATE INDEX balance_transactions_by_account ON balance_transactions (account, livemode, created);
-- Nearly all are charges, which are found by account nearly as fast.
CREATE INDEX balance_transactions_by_type ON balance_transactions (account, livemode, type, created)
WHERE type <> 'charge';
CREATE INDEX balance_transactions_by_source ON balance_transactions (source, created);

CREATE TRIGGER balance_transactions_are_never_changed BEFORE UPDATE ON balance_transactions
BEGIN
  SELECT RAISE(ABORT, 'balance transactions are append-only');
END;

CREATE TRIGGER balance_transactions_are_never_deleted BEFORE DELETE ON balance_transactions
BEGIN
  SELECT RAISE(ABORT, 'balance transactions are append-only');
END;

CREATE TRIGGER balance_transactions_are_never_replaced BEFORE INSERT ON balance_transactions
WHEN EXISTS (SELECT 1 FROM balance_transactions WHERE id = NEW.id OR sequence = NEW.sequence)
BEGIN
  SELECT RAISE(ABORT, 'UNIQUE constraint failed: balance_transactions.id');
END;
