-- Since when an endpoint takes long to answer, unless its last deliveries arrived soon: it stays alone until they do.
ALTER TABLE webhook_endpoints ADD COLUMN slow_since INTEGER;
-- Until when its object leaves it to a consumer that let go of it while deliveries were under way, so that no more are
-- than it takes at a time.
ALTER TABLE webhook_endpoints ADD COLUMN held_until INTEGER;
