-- Both kinds of store have the same versions. A file has nothing to distribute.
SELECT 1;
