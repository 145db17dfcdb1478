-- How a person resolved an attempt that was left to them, as JSON; nothing where nobody had to.
ALTER TABLE attempts ADD COLUMN resolved TEXT;
