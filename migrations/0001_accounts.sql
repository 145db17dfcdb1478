-- Merchants and the keys that they call with.

-- A guard that does not hold raises `guard:<name>` and rolls its whole batch back; no row is ever stored.
CREATE VIEW guard (held, name) AS SELECT 1, '' WHERE 0;

CREATE TRIGGER guard_holds INSTEAD OF INSERT ON guard
WHEN NOT coalesce(NEW.held, 0)
BEGIN
  SELECT RAISE(ABORT, 'guard:' || NEW.name);
END;
