-- What a visitor has, moved on by each write: its living conversations, and the bytes of content of all that lives.
ALTER TABLE visitors ADD COLUMN living_conversations bigint NOT NULL DEFAULT 0, ADD COLUMN content_bytes bigint NOT NULL DEFAULT 0;
UPDATE visitors v SET living_conversations = c.living, content_bytes = c.bytes
    FROM (SELECT visitor_id, count(*) FILTER (WHERE content_bytes > 0) AS living, sum(content_bytes) AS bytes
        FROM conversations GROUP BY visitor_id) c
    WHERE v.id = c.visitor_id;
UPDATE visitors v SET content_bytes = v.content_bytes + m.bytes
    FROM (SELECT visitor_id, sum(content_bytes) AS bytes FROM messages GROUP BY visitor_id) m
    WHERE v.id = m.visitor_id;
ALTER TABLE visitors ALTER COLUMN living_conversations DROP DEFAULT, ALTER COLUMN content_bytes DROP DEFAULT;
