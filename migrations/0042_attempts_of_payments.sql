-- Every attempt that went to a processor is shown with its payment, not only those whose account a routing chose; what the
-- simulator did costs no row. `attempts_by_intent` is for the version before.
CREATE INDEX attempts_by_payment ON attempts (account, livemode, payment_intent, created)
WHERE connector_account IS NOT NULL;
