-- What a visitor has, moved on by each write: its living conversations, and the bytes of content of all that lives.
ALTER TABLE visitors ADD COLUMN living_conversations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE visitors ADD COLUMN content_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE visitors SET
    living_conversations = (SELECT count(*) FROM conversations c WHERE c.visitor = visitors.id AND c.content_bytes > 0),
    content_bytes = (SELECT ifnull(sum(c.content_bytes), 0) FROM conversations c WHERE c.visitor = visitors.id)
        + (SELECT ifnull(sum(m.content_bytes), 0)
            FROM conversations c JOIN messages m ON m.conversation = c.id WHERE c.visitor = visitors.id);
