-- Mail that was given up is a dead letter, too.
CREATE TABLE dead_letters_with_mail (
  sequence INTEGER PRIMARY KEY,
  queue TEXT NOT NULL CHECK (queue IN ('wake', 'events', 'deliveries', 'mail')),
  -- The message; of mail, the charge.
  body TEXT NOT NULL,
  problem TEXT NOT NULL,
  -- How often such a message was parked.
  count INTEGER NOT NULL CHECK (count >= 1),
  first_parked_at INTEGER NOT NULL,
  last_parked_at INTEGER NOT NULL,
  -- Whether an operator wants it to be tried again.
  redrive INTEGER NOT NULL DEFAULT 0 CHECK (redrive IN (0, 1)),
  UNIQUE (queue, body)
) STRICT;

INSERT INTO dead_letters_with_mail
SELECT sequence, queue, body, problem, count, first_parked_at, last_parked_at, redrive FROM dead_letters;

DROP TABLE dead_letters;
ALTER TABLE dead_letters_with_mail RENAME TO dead_letters;
CREATE INDEX dead_letters_to_redrive ON dead_letters (sequence) WHERE redrive = 1;
