-- A payment begins only at an account to which payments go, whoever begins it. Within the statement that writes the attempt this
-- costs a payment less than a statement of its own.
CREATE TRIGGER attempts_go_to_active_accounts BEFORE INSERT ON attempts
WHEN NEW.kind = 'authorize' AND NEW.connector_account IS NOT NULL
BEGIN
  INSERT INTO guard SELECT EXISTS (
    SELECT 1 FROM connector_accounts WHERE id = NEW.connector_account AND status = 'active'
  ), 'connector_account_active';
END;
