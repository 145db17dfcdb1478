-- Receipts pause between two slices, whatever else makes the heartbeat beat meanwhile.
ALTER TABLE fan_out ADD COLUMN receipts_after INTEGER NOT NULL DEFAULT 0;
