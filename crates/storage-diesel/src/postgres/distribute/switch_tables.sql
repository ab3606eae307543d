-- Puts the copies in the place of the store's own tables, which are dropped later, as that may take long, and what is the server's
-- on every node. Whoever calls this has the tables for itself, and has copied everything.
CREATE SCHEMA convosync_replaced;
DO $$
DECLARE
    per_visitor CONSTANT text[] := ARRAY['visitors', 'conversations', 'messages', 'message_requests', 'message_responses',
        'message_outputs', 'visitor_tombstones'];
    everywhere CONSTANT text[] := ARRAY['store', 'api_keys', '__diesel_schema_migrations'];
    home CONSTANT text := (SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'visitors'::regclass);
    name text;
BEGIN
    FOREACH name IN ARRAY per_visitor LOOP
        EXECUTE format('ALTER TABLE %s SET SCHEMA convosync_replaced', name::regclass);
        EXECUTE format('ALTER TABLE convosync_distributing.%I SET SCHEMA %s', name, home);
    END LOOP;
    DROP SCHEMA convosync_distributing;
    FOREACH name IN ARRAY everywhere LOOP
        IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = name::regclass) THEN
            PERFORM create_reference_table(name);
        END IF;
    END LOOP;
END $$;
