ALTER TABLE visitors DROP COLUMN content_bytes;
ALTER TABLE visitors DROP COLUMN living_conversations;
