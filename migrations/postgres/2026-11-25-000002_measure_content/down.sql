ALTER TABLE messages ADD COLUMN living boolean NOT NULL DEFAULT true;
UPDATE messages SET living = false WHERE content_bytes = 0;
ALTER TABLE messages ALTER COLUMN living DROP DEFAULT, DROP COLUMN content_bytes;
ALTER TABLE conversations ADD COLUMN living boolean NOT NULL DEFAULT true;
UPDATE conversations SET living = false WHERE content_bytes = 0;
ALTER TABLE conversations ALTER COLUMN living DROP DEFAULT, DROP COLUMN content_bytes;
