-- An id is any short text. One that is no UUID stands here as it was sent, and `id` is made of it; NULL where the id is `id` itself.
ALTER TABLE conversations ADD COLUMN opaque_id text;
ALTER TABLE messages ADD COLUMN opaque_id text;
