UPDATE messages SET content_bytes = 1 WHERE content_bytes > 0;
ALTER TABLE messages RENAME COLUMN content_bytes TO living;
UPDATE conversations SET content_bytes = 1 WHERE content_bytes > 0;
ALTER TABLE conversations RENAME COLUMN content_bytes TO living;
