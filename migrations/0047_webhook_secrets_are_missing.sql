-- Of chargebacks, and of what comes back after it had arrived, webhooks alone tell in time. A day is left to have them sent.
CREATE TRIGGER webhook_secrets_are_missing AFTER INSERT ON connector_accounts
WHEN NEW.livemode = 1 AND NEW.details ->> '$.webhook_secrets' IS NULL
BEGIN
  INSERT OR IGNORE INTO alerts (name, subject, problem, due_at)
  VALUES ('webhook_secret_missing', NEW.id, 'no webhook of its processor can be believed', NEW.created + 86400);
END;

CREATE TRIGGER webhook_secrets_are_set AFTER UPDATE OF status, details ON connector_accounts WHEN NEW.livemode = 1
BEGIN
  DELETE FROM alerts WHERE name = 'webhook_secret_missing' AND subject = NEW.id
  AND (NEW.status <> 'active' OR NEW.details ->> '$.webhook_secrets' IS NOT NULL);
  INSERT OR IGNORE INTO alerts (name, subject, problem, due_at)
  SELECT 'webhook_secret_missing', NEW.id, 'no webhook of its processor can be believed', NEW.created + 86400
  WHERE NEW.status = 'active' AND NEW.details ->> '$.webhook_secrets' IS NULL;
END;

INSERT OR IGNORE INTO alerts (name, subject, problem, due_at)
SELECT 'webhook_secret_missing', id, 'no webhook of its processor can be believed', created + 86400
FROM connector_accounts WHERE livemode = 1 AND status = 'active' AND details ->> '$.webhook_secrets' IS NULL;
