DROP TABLE visitor_tombstones;
ALTER TABLE visitors DROP COLUMN last_changed_at;
