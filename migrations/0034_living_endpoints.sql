-- The endpoints of an account that were not deleted, so that nobody passes over those that were.
CREATE INDEX webhook_endpoints_living ON webhook_endpoints (account, livemode, created)
WHERE status <> 'deleted';
