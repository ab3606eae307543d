ALTER TABLE messages DROP COLUMN opaque_id;
ALTER TABLE conversations DROP COLUMN opaque_id;
