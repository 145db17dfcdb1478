-- Contract: applied once no version of the code runs that names these (docs/data-model.md).
DROP INDEX events_by_type;
DROP INDEX payment_intents_by_status;
