-- Every key, and so every foreign key, begins with the visitor: what a statement touches lies together, and on one shard where the
-- tables are distributed by visitor. Nothing is numbered by a sequence and nothing is done by a trigger. There is no index on change
-- numbers: a pull scans its visitor's conversations, then reads the changed ones.
-- Instants are microseconds since 1970 in UTC, JSON values are the text that was sent. `extra` is one JSON object of the fields that
-- Convosync does not know, NULL when there are none.

-- One row: what the store chose at random when it was made.
CREATE TABLE store (
    id bigint PRIMARY KEY CHECK (id = 1),
    epoch uuid NOT NULL,
    digest_seed bigint NOT NULL
);

CREATE TABLE visitors (
    id uuid PRIMARY KEY,              -- made of the identity; no identity follows from it
    kind integer NOT NULL,            -- 0 unregistered, 1 registered
    user_id text,                     -- of registered visitors only: whoever knows an anon_id is that visitor
    registered_at bigint NOT NULL,
    change_counter bigint NOT NULL,
    latest_write uuid NOT NULL        -- chosen at random by each write: a writer whose connection broke finds out whether it was done
);

CREATE TABLE conversations (
    visitor_id uuid NOT NULL REFERENCES visitors (id),
    id uuid NOT NULL,
    change_number bigint NOT NULL,
    latest_change bigint NOT NULL,    -- the highest change number of the conversation itself and its messages
    living boolean NOT NULL,          -- false: a tombstone, which has no content
    stamp bigint,
    future_stamp bigint,
    erased_through bigint,
    title text,
    created_at bigint,
    updated_at bigint,
    local_only boolean,
    extra text,
    PRIMARY KEY (visitor_id, id)
);

CREATE TABLE messages (
    visitor_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    id uuid NOT NULL,
    change_number bigint NOT NULL,
    living boolean NOT NULL,          -- false: a tombstone, which has no content, no parts and no digest
    digest bytea,
    stamp bigint,
    own_stamp bigint,
    future_stamp bigint,
    deleted_at bigint,
    timestamp bigint,
    updated_at bigint,
    vote boolean,
    img text,
    metadata text,
    embedding text,
    doc text,
    extra text,
    PRIMARY KEY (visitor_id, conversation_id, id),
    FOREIGN KEY (visitor_id, conversation_id) REFERENCES conversations (visitor_id, id)
);

-- The parts of a message. `client_id` is the `id` that a device gave, as JSON text: two devices both send 1.

CREATE TABLE message_requests (
    visitor_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    client_id text,
    request_model text,
    request_messages_role text,
    request_messages_content text,
    request_messages_system_role text,
    request_messages_system_content text,
    request_messages_user_role text,
    request_messages_user_content text,
    request_system_prompt text,
    request_input text,
    request_temperature double precision,
    request_top_p double precision,
    request_n bigint,
    request_stream boolean,
    request_stop text,
    request_max_tokens bigint,
    top_k bigint,
    repeat_penalty double precision,
    min_p double precision,
    extra text,
    PRIMARY KEY (visitor_id, conversation_id, message_id),
    FOREIGN KEY (visitor_id, conversation_id, message_id) REFERENCES messages (visitor_id, conversation_id, id)
);

CREATE TABLE message_responses (
    visitor_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    client_id text,
    response_id text,
    object text,
    model text,
    created_at bigint,
    status text,
    error text,
    incomplete_details text,
    instructions text,
    max_output_tokens bigint,
    parallel_tool_calls boolean,
    previous_response_id text,
    reasoning_effort text,
    reasoning_summary text,
    store boolean,
    temperature double precision,
    top_p double precision,
    text_format_type text,
    tool_choice text,
    tools text,
    truncation text,
    usage_input_tokens bigint,
    usage_output_tokens bigint,
    usage_total_tokens bigint,
    "user" text,
    metadata text,
    extra text,
    PRIMARY KEY (visitor_id, conversation_id, message_id),
    FOREIGN KEY (visitor_id, conversation_id, message_id) REFERENCES messages (visitor_id, conversation_id, id)
);

CREATE TABLE message_outputs (
    visitor_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    client_id text,
    output_type text,
    output_id text,
    output_status text,
    output_role text,
    output_content_type text,
    output_content_text text,
    output_content_annotations text,
    extra text,
    PRIMARY KEY (visitor_id, conversation_id, message_id),
    FOREIGN KEY (visitor_id, conversation_id, message_id) REFERENCES messages (visitor_id, conversation_id, id)
);
