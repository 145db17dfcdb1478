-- By what the processor is asked to remember the card, as JSON: kept with the attempt, so that whoever sends it again sends
-- the same.
ALTER TABLE attempts ADD COLUMN token TEXT;
