-- Charges are listed by transfer group, which few of them have: the rest cost no row here.
CREATE INDEX charges_by_transfer_group ON charges (details ->> 'transfer_group', created)
WHERE details ->> 'transfer_group' IS NOT NULL;
