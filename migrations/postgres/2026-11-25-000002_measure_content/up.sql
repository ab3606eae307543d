-- About how many bytes the content of an item has, parts included, so that pages can be bounded before they are read. 0 is the mark
-- of a tombstone and nothing that lives has 0: so it takes the place of `living`.
ALTER TABLE conversations ADD COLUMN content_bytes bigint NOT NULL DEFAULT 0;
UPDATE conversations SET content_bytes = 1 + coalesce(octet_length(title), 0) + coalesce(octet_length(extra), 0) WHERE living;
ALTER TABLE conversations ALTER COLUMN content_bytes DROP DEFAULT, DROP COLUMN living;

ALTER TABLE messages ADD COLUMN content_bytes bigint NOT NULL DEFAULT 0;
UPDATE messages SET content_bytes = 1
    + coalesce(octet_length(img), 0) + coalesce(octet_length(metadata), 0) + coalesce(octet_length(embedding), 0) +
    coalesce(octet_length(doc), 0) + coalesce(octet_length(extra), 0)
    + coalesce((SELECT
        coalesce(octet_length(p.client_id), 0) + coalesce(octet_length(p.request_model), 0) +
        coalesce(octet_length(p.request_messages_role), 0) + coalesce(octet_length(p.request_messages_content), 0) +
        coalesce(octet_length(p.request_messages_system_role), 0) +
        coalesce(octet_length(p.request_messages_system_content), 0) +
        coalesce(octet_length(p.request_messages_user_role), 0) +
        coalesce(octet_length(p.request_messages_user_content), 0) +
        coalesce(octet_length(p.request_system_prompt), 0) + coalesce(octet_length(p.request_input), 0) +
        coalesce(octet_length(p.request_stop), 0) + coalesce(octet_length(p.extra), 0)
        FROM message_requests p WHERE p.visitor_id = messages.visitor_id AND p.conversation_id = messages.conversation_id AND p.message_id = messages.id), 0)
    + coalesce((SELECT
        coalesce(octet_length(p.client_id), 0) + coalesce(octet_length(p.response_id), 0) +
        coalesce(octet_length(p.object), 0) + coalesce(octet_length(p.model), 0) +
        coalesce(octet_length(p.status), 0) + coalesce(octet_length(p.error), 0) +
        coalesce(octet_length(p.incomplete_details), 0) + coalesce(octet_length(p.instructions), 0) +
        coalesce(octet_length(p.previous_response_id), 0) + coalesce(octet_length(p.reasoning_effort), 0) +
        coalesce(octet_length(p.reasoning_summary), 0) + coalesce(octet_length(p.text_format_type), 0) +
        coalesce(octet_length(p.tool_choice), 0) + coalesce(octet_length(p.tools), 0) +
        coalesce(octet_length(p.truncation), 0) + coalesce(octet_length(p."user"), 0) +
        coalesce(octet_length(p.metadata), 0) + coalesce(octet_length(p.extra), 0)
        FROM message_responses p WHERE p.visitor_id = messages.visitor_id AND p.conversation_id = messages.conversation_id AND p.message_id = messages.id), 0)
    + coalesce((SELECT
        coalesce(octet_length(p.client_id), 0) + coalesce(octet_length(p.output_type), 0) +
        coalesce(octet_length(p.output_id), 0) + coalesce(octet_length(p.output_status), 0) +
        coalesce(octet_length(p.output_role), 0) + coalesce(octet_length(p.output_content_type), 0) +
        coalesce(octet_length(p.output_content_text), 0) + coalesce(octet_length(p.output_content_annotations), 0) +
        coalesce(octet_length(p.extra), 0)
        FROM message_outputs p WHERE p.visitor_id = messages.visitor_id AND p.conversation_id = messages.conversation_id AND p.message_id = messages.id), 0)
    WHERE living;
ALTER TABLE messages ALTER COLUMN content_bytes DROP DEFAULT, DROP COLUMN living;
