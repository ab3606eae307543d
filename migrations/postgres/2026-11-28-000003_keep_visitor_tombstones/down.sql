DO $$
DECLARE
    text_columns record;
BEGIN
    FOR text_columns IN
        SELECT table_name, string_agg(format('ALTER %I SET STATISTICS -1', column_name), ', ') AS alterations
        FROM information_schema.columns
        WHERE table_schema = current_schema() AND data_type = 'text' AND table_name IN
            ('visitors', 'conversations', 'messages', 'message_requests', 'message_responses', 'message_outputs')
        GROUP BY table_name
    LOOP
        EXECUTE format('ALTER TABLE %I %s', text_columns.table_name, text_columns.alterations);
    END LOOP;
END $$;
DROP TABLE visitor_tombstones;
ALTER TABLE visitors DROP COLUMN last_changed_at;
