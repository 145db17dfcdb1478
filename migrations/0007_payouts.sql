-- Payouts: money on its way to a merchant's bank, and the bank accounts that it goes to.

CREATE TABLE bank_accounts (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  currency TEXT NOT NULL,
  default_for_currency INTEGER NOT NULL CHECK (default_for_currency IN (0, 1)),
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  status TEXT NOT NULL CHECK (status IN ('new', 'errored')),
  details TEXT NOT NULL,
  CHECK (deleted = 0 OR default_for_currency = 0)
) STRICT;

CREATE INDEX bank_accounts_by_account ON bank_accounts (account, livemode, deleted, created);
-- Where money goes unless said otherwise: one place for each currency.
CREATE UNIQUE INDEX bank_accounts_by_default ON bank_accounts (account, livemode, currency)
WHERE default_for_currency = 1;

CREATE TABLE payouts (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  -- Minor units; negative where a payout takes an earlier one back.
  amount INTEGER NOT NULL CHECK (amount <> 0),
  currency TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'in_transit', 'paid', 'failed', 'canceled')),
  arrival_date INTEGER NOT NULL,
  -- Whether the account's schedule made it.
  automatic INTEGER NOT NULL CHECK (automatic IN (0, 1)),
  destination TEXT NOT NULL,
  details TEXT NOT NULL
) STRICT;

CREATE INDEX payouts_by_account ON payouts (account, livemode, created);
CREATE INDEX payouts_by_status ON payouts (account, livemode, status, created);
CREATE INDEX payouts_by_destination ON payouts (destination, created);

-- The last payout that the schedule made in a currency says up to which day money was carried.
CREATE INDEX payouts_by_schedule ON payouts (account, livemode, currency, created) WHERE automatic = 1;

-- The day (UTC, since the epoch) on which an account's schedule pays out next; 0 where that is to be found
-- out, NULL where the merchant does it by hand.
ALTER TABLE accounts ADD COLUMN payouts_due INTEGER;

CREATE INDEX accounts_by_payouts_due ON accounts (payouts_due) WHERE payouts_due IS NOT NULL;

-- Whoever changes the settings need not know of the column.
CREATE TRIGGER accounts_plan_payouts_when_made AFTER INSERT ON accounts
WHEN coalesce(NEW.settings ->> '$.payout_schedule.interval', 'manual') <> 'manual'
BEGIN
  UPDATE accounts SET payouts_due = 0 WHERE id = NEW.id;
END;

CREATE TRIGGER accounts_plan_payouts_when_changed AFTER UPDATE OF settings ON accounts
BEGIN
  UPDATE accounts
  SET payouts_due = iif(coalesce(NEW.settings ->> '$.payout_schedule.interval', 'manual') <> 'manual', 0, NULL)
  WHERE id = NEW.id;
END;
