-- When something of a visitor last changed; NULL where that is not known, or nothing has.
ALTER TABLE visitors ADD COLUMN last_changed_at INTEGER;

-- What stays of visitors who are gone, so that nobody is registered under their keys again.
CREATE TABLE visitor_tombstones (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,         -- the key that the visitor had; no identity follows from it
    merged_into BLOB,                 -- the key of the visitor whose everything of it is now; NULL where it was erased
    gone_at INTEGER NOT NULL
) STRICT;
