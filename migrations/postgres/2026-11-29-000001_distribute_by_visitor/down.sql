DO $$
DECLARE
    name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RETURN;
    END IF;
    FOREACH name IN ARRAY ARRAY['visitors', 'visitor_tombstones', 'store', 'api_keys', '__diesel_schema_migrations'] LOOP
        IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = name::regclass) THEN
            PERFORM undistribute_table(name, cascade_via_foreign_keys => true);
        END IF;
    END LOOP;
END $$;
