-- The table goes with its policies and triggers.
SELECT 1;
