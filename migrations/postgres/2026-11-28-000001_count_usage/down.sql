ALTER TABLE visitors DROP COLUMN living_conversations, DROP COLUMN content_bytes;
