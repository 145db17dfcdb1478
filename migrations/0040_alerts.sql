-- What a person should hear of, while it stands: written and taken away by triggers in the batch of what it is about, so
-- that neither a crash nor a lost answer loses it, whichever version of the code writes. The heartbeat tells of each once.
CREATE TABLE alerts (
  name TEXT NOT NULL,
  subject TEXT NOT NULL,
  problem TEXT NOT NULL,
  -- From when on it deserves a person: what mostly mends itself waits until then.
  due_at INTEGER NOT NULL,
  told_at INTEGER,
  PRIMARY KEY (name, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX alerts_untold ON alerts (due_at) WHERE told_at IS NULL;

-- What stands already is told of once more: it may never have been.
INSERT INTO alerts (name, subject, problem, due_at)
SELECT 'needs_attention', id, substr(attention, 1, 500), 0 FROM attempts WHERE attention IS NOT NULL
UNION ALL SELECT 'dead_letter', queue || '/' || sequence, substr(problem, 1, 500) || ', in ' || substr(body, 1, 500), last_parked_at
FROM dead_letters WHERE queue <> 'mail'
UNION ALL SELECT 'books_differ', name || ' ' || subject, 'expected ' || expected || ', found ' || found, created
FROM audit_differences
UNION ALL SELECT 'connector_webhook_parked', id, substr(type || ' is parked: ' || COALESCE(problem, ''), 1, 500), created + 3600
FROM connector_webhooks WHERE status = 'parked' AND COALESCE(problem, '') NOT IN
('No payment of this name was made here.', 'Nothing of this kind, or in this shape, is known here.');

CREATE TRIGGER attempts_call_for_a_person AFTER UPDATE OF attention ON attempts WHEN NEW.attention IS NOT OLD.attention
BEGIN
  DELETE FROM alerts WHERE name = 'needs_attention' AND subject = NEW.id;
  INSERT INTO alerts (name, subject, problem, due_at)
  SELECT 'needs_attention', NEW.id, substr(NEW.attention, 1, 500), 0 WHERE NEW.attention IS NOT NULL;
END;

-- Mail that was given up calls for nobody: mostly its address is wrong. A letter is parked before it is tried for the last
-- time, and deserves a person only where it stays so.
CREATE TRIGGER dead_letters_call_for_a_person AFTER INSERT ON dead_letters WHEN NEW.queue <> 'mail'
BEGIN
  INSERT OR REPLACE INTO alerts (name, subject, problem, due_at)
  VALUES ('dead_letter', NEW.queue || '/' || NEW.sequence, substr(NEW.problem, 1, 500) || ', in ' || substr(NEW.body, 1, 500),
    NEW.last_parked_at + 900 * (NEW.problem = 'The invocation that tried it did not come to its end.'));
END;

CREATE TRIGGER dead_letters_say_why AFTER UPDATE OF problem ON dead_letters WHEN NEW.queue <> 'mail'
BEGIN
  UPDATE alerts SET problem = substr(NEW.problem, 1, 500) || ', in ' || substr(NEW.body, 1, 500),
    due_at = NEW.last_parked_at + 900 * (NEW.problem = 'The invocation that tried it did not come to its end.')
  WHERE name = 'dead_letter' AND subject = NEW.queue || '/' || NEW.sequence AND told_at IS NULL;
END;

CREATE TRIGGER dead_letters_are_over AFTER DELETE ON dead_letters WHEN OLD.queue <> 'mail'
BEGIN
  DELETE FROM alerts WHERE name = 'dead_letter' AND subject = OLD.queue || '/' || OLD.sequence;
END;

CREATE TRIGGER differences_call_for_a_person AFTER INSERT ON audit_differences
BEGIN
  INSERT OR REPLACE INTO alerts (name, subject, problem, due_at)
  VALUES ('books_differ', NEW.name || ' ' || NEW.subject, 'expected ' || NEW.expected || ', found ' || NEW.found, NEW.created);
END;

CREATE TRIGGER differences_are_over AFTER DELETE ON audit_differences
BEGIN
  DELETE FROM alerts WHERE name = 'books_differ' AND subject = OLD.name || ' ' || OLD.subject;
END;

CREATE TRIGGER differences_say_how AFTER UPDATE OF expected, found ON audit_differences
BEGIN
  UPDATE alerts SET problem = 'expected ' || NEW.expected || ', found ' || NEW.found
  WHERE name = 'books_differ' AND subject = NEW.name || ' ' || NEW.subject AND told_at IS NULL;
END;

-- Most are about something that recovery finds soon. What is about payments that others make there, or of a kind that says
-- nothing of money, calls for nobody: it may come all day.
CREATE TRIGGER connector_webhooks_call_for_a_person AFTER INSERT ON connector_webhooks
WHEN NEW.status = 'parked' AND COALESCE(NEW.problem, '') NOT IN
('No payment of this name was made here.', 'Nothing of this kind, or in this shape, is known here.')
BEGIN
  INSERT OR REPLACE INTO alerts (name, subject, problem, due_at)
  VALUES ('connector_webhook_parked', NEW.id, substr(NEW.type || ' is parked: ' || COALESCE(NEW.problem, ''), 1, 500), NEW.created + 3600);
END;

CREATE TRIGGER connector_webhooks_say_why AFTER UPDATE OF problem ON connector_webhooks
WHEN NEW.status = 'parked' AND NEW.problem IS NOT OLD.problem
BEGIN
  DELETE FROM alerts WHERE name = 'connector_webhook_parked' AND subject = NEW.id AND (told_at IS NULL OR NEW.problem IN
    ('No payment of this name was made here.', 'Nothing of this kind, or in this shape, is known here.'));
  INSERT OR IGNORE INTO alerts (name, subject, problem, due_at)
  SELECT 'connector_webhook_parked', NEW.id, substr(NEW.type || ' is parked: ' || COALESCE(NEW.problem, ''), 1, 500),
    NEW.created + 3600
  WHERE COALESCE(NEW.problem, '') NOT IN
    ('No payment of this name was made here.', 'Nothing of this kind, or in this shape, is known here.');
END;

CREATE TRIGGER connector_webhooks_are_over AFTER UPDATE OF status ON connector_webhooks WHEN NEW.status <> 'parked'
BEGIN
  DELETE FROM alerts WHERE name = 'connector_webhook_parked' AND subject = NEW.id;
END;

CREATE TRIGGER connector_webhooks_are_gone AFTER DELETE ON connector_webhooks WHEN OLD.status = 'parked'
BEGIN
  DELETE FROM alerts WHERE name = 'connector_webhook_parked' AND subject = OLD.id;
END;

-- The code says when it cannot open one: nothing in a row shows it. Once it is set anew, it may be said again.
CREATE TRIGGER webhook_secrets_are_set_anew AFTER UPDATE OF details ON connector_accounts
WHEN NEW.details ->> '$.webhook_secrets' IS NOT OLD.details ->> '$.webhook_secrets'
BEGIN
  DELETE FROM alerts WHERE name = 'webhook_secret_unreadable' AND subject = NEW.id;
END;
