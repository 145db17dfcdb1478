-- The attempt that used a payment method up. Nothing where its customer let go of it, or it can still be used.
ALTER TABLE payment_methods ADD COLUMN used_by TEXT;
