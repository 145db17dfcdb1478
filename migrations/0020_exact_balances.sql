-- Balances stay within what numbers in JSON hold exactly: one beyond could never be read, or moved, again.
CREATE TRIGGER ledger_accounts_begin_within_bounds BEFORE INSERT ON ledger_accounts
WHEN NEW.balance NOT BETWEEN -9007199254740991 AND 9007199254740991
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: ledger_accounts.balance');
END;

-- What is beyond already may come back.
CREATE TRIGGER ledger_accounts_stay_within_bounds BEFORE UPDATE OF balance ON ledger_accounts
WHEN NEW.balance NOT BETWEEN -9007199254740991 AND 9007199254740991 AND abs(NEW.balance) > abs(OLD.balance)
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: ledger_accounts.balance');
END;

-- Until when nobody looks at a day's account that could not be read or moved, so that it stands in nobody's way.
ALTER TABLE ledger_accounts ADD COLUMN put_off_until INTEGER NOT NULL DEFAULT 0;
