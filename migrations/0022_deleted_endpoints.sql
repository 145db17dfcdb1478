-- What was deleted goes for good once nobody asks for it and its deliveries are in the archive.
ALTER TABLE webhook_endpoints ADD COLUMN deleted_at INTEGER;

-- Whoever was deleted before this column was there has no time of it.
CREATE INDEX webhook_endpoints_deleted ON webhook_endpoints (COALESCE(deleted_at, created))
WHERE status = 'deleted';
