-- When something of a visitor last changed; NULL where that is not known, or nothing has.
ALTER TABLE visitors ADD COLUMN last_changed_at bigint;

-- What stays of visitors who are gone, so that nobody is registered under their ids again.
CREATE TABLE visitor_tombstones (
    visitor_id uuid PRIMARY KEY,      -- the id that the visitor had; no identity follows from it
    merged_into uuid,                 -- the id of the visitor whose everything of it is now; NULL where it was erased
    gone_at bigint NOT NULL
);
