-- When something of a visitor last changed; NULL where that is not known, or nothing has.
ALTER TABLE visitors ADD COLUMN last_changed_at bigint;

-- What stays of visitors who are gone, so that nobody is registered under their ids again.
CREATE TABLE visitor_tombstones (
    visitor_id uuid PRIMARY KEY,      -- the id that the visitor had; no identity follows from it
    merged_into uuid,                 -- the id of the visitor whose everything of it is now; NULL where it was erased
    gone_at bigint NOT NULL
);

-- What is erased may not live on in the statistics of columns, which hold values. Nothing is looked up by a text, so none are
-- needed. (The type stays; to set it drops those that there are.)
DO $$
DECLARE
    text_columns record;
BEGIN
    FOR text_columns IN
        SELECT table_name, string_agg(
            format('ALTER %1$I TYPE text, ALTER %1$I SET STATISTICS 0', column_name), ', ') AS alterations
        FROM information_schema.columns
        WHERE table_schema = current_schema() AND data_type = 'text' AND table_name IN
            ('visitors', 'conversations', 'messages', 'message_requests', 'message_responses', 'message_outputs')
        GROUP BY table_name
    LOOP
        EXECUTE format('ALTER TABLE %I %s', text_columns.table_name, text_columns.alterations);
    END LOOP;
END $$;
