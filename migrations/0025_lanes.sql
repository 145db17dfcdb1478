-- Each kind of work is looked for by itself, so that no backlog of one stands before another: the key begins with it. Code
-- that knows the table as it was reads and writes it as before.
CREATE TABLE scheduled_tasks_by_kind (
  due_at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL CHECK (livemode IN (0, 1)),
  -- How often it was tried in vain.
  tries INTEGER NOT NULL CHECK (tries >= 0),
  PRIMARY KEY (kind, due_at, subject)
) STRICT, WITHOUT ROWID;

INSERT INTO scheduled_tasks_by_kind (due_at, kind, subject, account, livemode, tries)
SELECT due_at, kind, subject, account, livemode, tries FROM scheduled_tasks;

DROP TABLE scheduled_tasks;
ALTER TABLE scheduled_tasks_by_kind RENAME TO scheduled_tasks;

-- Mail waits, all of it, while nobody takes any.
ALTER TABLE fan_out ADD COLUMN mail_after INTEGER NOT NULL DEFAULT 0;
