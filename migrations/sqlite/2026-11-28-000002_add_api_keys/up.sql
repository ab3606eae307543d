-- The keys of back ends, which are the server's and no visitor's. An id is the number of the hexadecimal digits that people see:
-- printf('%016x', id).
CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL,        -- SHA-256 over the text of the secret
    scopes TEXT NOT NULL,             -- words with commas between them
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
