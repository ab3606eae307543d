-- An id is any short text. One that is no UUID stands here as it was sent, and `uuid` is made of it; NULL where the id is `uuid` itself.
ALTER TABLE conversations ADD COLUMN opaque_id TEXT;
ALTER TABLE messages ADD COLUMN opaque_id TEXT;
