-- Whoever sets what is set already takes the shards of a table for its transaction.
DO $$
DECLARE
    per_visitor CONSTANT text[] := ARRAY['visitors', 'conversations', 'messages', 'message_requests', 'message_responses',
        'message_outputs', 'visitor_tombstones'];
    name text;
BEGIN
    FOREACH name IN ARRAY per_visitor LOOP
        EXECUTE format('ALTER TABLE convosync_distributing.%I ALTER %I SET NOT NULL', name,
            CASE name WHEN 'visitors' THEN 'id' ELSE 'visitor_id' END);
    END LOOP;
END $$;
