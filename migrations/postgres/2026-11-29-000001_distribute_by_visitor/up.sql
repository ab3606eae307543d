-- Where the database has Citus, what visitors have is distributed by the visitor, so that all of one visitor lies on one node, and
-- what is the server's stands on every node. Without Citus nothing happens. Nothing happens, either, to a store that has visitors
-- already: their rows would be copied while all who write wait, which is not for a program that starts to decide.
DO $$
DECLARE
    per_visitor CONSTANT text[] := ARRAY['visitors', 'conversations', 'messages', 'message_requests', 'message_responses',
        'message_outputs', 'visitor_tombstones'];
    everywhere CONSTANT text[] := ARRAY['store', 'api_keys', '__diesel_schema_migrations'];
    name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') OR EXISTS (SELECT FROM visitors) THEN
        RETURN;
    END IF;
    -- Over several connections tables with foreign keys between them could not be distributed in one transaction.
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);
    FOREACH name IN ARRAY per_visitor LOOP
        IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = name::regclass) THEN
            PERFORM create_distributed_table(name, CASE name WHEN 'visitors' THEN 'id' ELSE 'visitor_id' END,
                colocate_with => CASE name WHEN 'visitors' THEN 'none' ELSE 'visitors' END);
        END IF;
    END LOOP;
    FOREACH name IN ARRAY everywhere LOOP
        IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = name::regclass) THEN
            PERFORM create_reference_table(name);
        END IF;
    END LOOP;
END $$;
