-- Cards that customers keep without paying. A card is set up by the request that asks for it, so a row never changes.
CREATE TABLE setup_intents (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  created INTEGER NOT NULL,
  customer TEXT NOT NULL,
  payment_method TEXT NOT NULL,
  -- What is only echoed, as JSON.
  details TEXT NOT NULL
) STRICT, WITHOUT ROWID;
