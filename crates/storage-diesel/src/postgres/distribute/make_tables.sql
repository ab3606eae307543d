-- Makes the tables that a store is copied to, empty and distributed, with everything that the store's own have: keys, grants,
-- owners, and which columns have no statistics. (A table that is made like another one has not all of that.)
CREATE SCHEMA convosync_distributing;
DO $$
DECLARE
    per_visitor CONSTANT text[] := ARRAY['visitors', 'conversations', 'messages', 'message_requests', 'message_responses',
        'message_outputs', 'visitor_tombstones'];
    name text;
    made text;
    found record;
BEGIN
    FOREACH name IN ARRAY per_visitor LOOP
        made := format('convosync_distributing.%I', name);
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', made, name::regclass);
        FOR found IN SELECT attname FROM pg_attribute
            WHERE attrelid = name::regclass AND attnum > 0 AND NOT attisdropped AND attstattarget = 0
        LOOP
            EXECUTE format('ALTER TABLE %s ALTER %I SET STATISTICS 0', made, found.attname);
        END LOOP;
        FOR found IN SELECT conname,
                regexp_replace(pg_get_constraintdef(oid), 'REFERENCES ([^ (]+\.)?', 'REFERENCES convosync_distributing.') AS key
            FROM pg_constraint WHERE conrelid = name::regclass AND contype = 'f'
        LOOP
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', made, found.conname, found.key);
        END LOOP;
        FOR found IN SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS role, privilege_type AS privilege,
                CASE WHEN is_grantable THEN 'WITH GRANT OPTION' ELSE '' END AS option
            FROM pg_class, aclexplode(relacl) WHERE oid = name::regclass AND grantee <> relowner
        LOOP
            EXECUTE format('GRANT %s ON %s TO %s %s', found.privilege, made, found.role, found.option);
        END LOOP;
        FOR found IN SELECT relowner::regrole AS owner FROM pg_class
            WHERE oid = name::regclass AND relowner <> current_user::regrole
        LOOP
            EXECUTE format('ALTER TABLE %s OWNER TO %s', made, found.owner);
        END LOOP;
        PERFORM create_distributed_table(made, CASE name WHEN 'visitors' THEN 'id' ELSE 'visitor_id' END,
            colocate_with => CASE name WHEN 'visitors' THEN 'none' ELSE 'convosync_distributing.visitors' END);
    END LOOP;
END $$;
