-- The keys of back ends, which are the server's and no visitor's. An id is the number of the hexadecimal digits that people see:
-- lpad(to_hex(id), 16, '0').
CREATE TABLE api_keys (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    secret_hash bytea NOT NULL,       -- SHA-256 over the text of the secret
    scopes text NOT NULL,             -- words with commas between them
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint
);
