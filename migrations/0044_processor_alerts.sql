-- What a processor does again, or what goes there no more, calls for nobody.
CREATE TRIGGER processors_are_well AFTER UPDATE OF state ON attempts
WHEN NEW.state = 'succeeded' AND NEW.connector_account IS NOT NULL
BEGIN
  DELETE FROM alerts WHERE name IN ('processor_refuses', 'processor_silent') AND subject = NEW.connector_account;
END;

CREATE TRIGGER processors_are_left AFTER UPDATE OF status ON connector_accounts WHEN NEW.status <> 'active'
BEGIN
  DELETE FROM alerts WHERE name IN ('processor_refuses', 'processor_silent') AND subject = NEW.id;
END;
