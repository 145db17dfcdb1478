-- Opens the books for what was there before the ledger was: money that cards hold, money that was taken (in full: no
-- fee was known then), and what of it went back. What the ledger knows names its booking in `details`.

INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created)
SELECT id || ':opening_hold', 0, 'simulator', livemode, currency, 'authorizations', 0, amount - captured - released,
  created
FROM charges WHERE status = 'succeeded' AND captured + released < amount AND details -> '$.booked' IS NULL;

INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created)
SELECT id || ':opening_hold', 1, account, livemode, currency, 'authorized_funds', 0, captured + released - amount,
  created
FROM charges WHERE status = 'succeeded' AND captured + released < amount AND details -> '$.booked' IS NULL;

INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created)
SELECT id || ':opening', 0, 'simulator', livemode, currency, 'clearing', created / 86400 + 2, captured, created
FROM charges WHERE captured > 0 AND details -> '$.booked' IS NULL;

INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created)
SELECT id || ':opening', 1, account, livemode, currency, 'available', created / 86400, -captured, created
FROM charges WHERE captured > 0 AND details -> '$.booked' IS NULL;

INSERT INTO balance_transactions (id, account, livemode, created, type, currency, amount, fee, net, available_on, source,
  details)
SELECT 'txn_opening_' || substr(id, 4), account, livemode, created, 'charge', currency, captured, 0, captured, created,
  id, json_object('cause', id || ':opening', 'description', details ->> '$.description')
FROM charges WHERE captured > 0 AND details -> '$.booked' IS NULL ORDER BY sequence;

INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created)
SELECT r.id || ':opening', 0, r.account, r.livemode, r.currency, 'available', r.created / 86400, r.amount, r.created
FROM refunds AS r JOIN charges AS c ON c.id = r.charge
WHERE c.captured > 0 AND c.details -> '$.booked' IS NULL AND r.pending_operation IS NULL
AND r.status IN ('pending', 'requires_action', 'succeeded');

INSERT INTO ledger_entries (cause, leg, owner, livemode, currency, kind, day, amount, created)
SELECT r.id || ':opening', 1, 'simulator', r.livemode, r.currency, 'clearing', r.created / 86400 + 2, -r.amount,
  r.created
FROM refunds AS r JOIN charges AS c ON c.id = r.charge
WHERE c.captured > 0 AND c.details -> '$.booked' IS NULL AND r.pending_operation IS NULL
AND r.status IN ('pending', 'requires_action', 'succeeded');

INSERT INTO balance_transactions (id, account, livemode, created, type, currency, amount, fee, net, available_on, source,
  details)
SELECT 'txn_opening_' || substr(r.id, 4), r.account, r.livemode, r.created, 'refund', r.currency, -r.amount, 0,
  -r.amount, r.created, r.id, json_object('cause', r.id || ':opening', 'description', 'REFUND FOR CHARGE')
FROM refunds AS r JOIN charges AS c ON c.id = r.charge
WHERE c.captured > 0 AND c.details -> '$.booked' IS NULL AND r.pending_operation IS NULL
AND r.status IN ('pending', 'requires_action', 'succeeded') ORDER BY r.sequence;

UPDATE refunds SET version = version + 1,
  details = json_set(details, '$.balance_transaction', 'txn_opening_' || substr(id, 4))
WHERE id IN (SELECT source FROM balance_transactions WHERE id LIKE 'txn_opening_%' AND type = 'refund');

UPDATE charges SET version = version + 1, details = json_set(details, '$.booked', iif(captured > 0,
  json_object('balance_transaction', 'txn_opening_' || substr(id, 4), 'available_on', created,
    'settles_on', created / 86400 + 2),
  json_object()))
WHERE status = 'succeeded' AND details -> '$.booked' IS NULL;
