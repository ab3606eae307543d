-- Rows are appended by integer ids, so that the posts of one commit share pages; the two UNIQUE keys are the only random writes of a
-- post. There is no index on change numbers: a pull scans its visitor's conversations, then reads the changed ones.
-- Instants are microseconds since 1970 in UTC, JSON values are the text that was sent, booleans are 0 and 1. `extra` is one JSON object
-- of the fields that Convosync does not know, NULL when there are none.

-- One row: what the store chose at random when it was made.
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch BLOB NOT NULL,
    digest_seed INTEGER NOT NULL
) STRICT;

CREATE TABLE visitors (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,         -- the UUID made of the identity; no identity follows from it
    kind INTEGER NOT NULL,            -- 0 unregistered, 1 registered
    user_id TEXT,                     -- of registered visitors only: whoever knows an anon_id is that visitor
    registered_at INTEGER NOT NULL,
    change_counter INTEGER NOT NULL
) STRICT;

CREATE TABLE conversations (
    id INTEGER PRIMARY KEY,
    visitor INTEGER NOT NULL REFERENCES visitors (id),
    uuid BLOB NOT NULL,
    change_number INTEGER NOT NULL,
    latest_change INTEGER NOT NULL,   -- the highest change number of the conversation itself and its messages
    living INTEGER NOT NULL,          -- 0: a tombstone, which has no content
    stamp INTEGER,
    future_stamp INTEGER,
    erased_through INTEGER,
    title TEXT,
    created_at INTEGER,
    updated_at INTEGER,
    local_only INTEGER,
    extra TEXT,
    UNIQUE (visitor, uuid)
) STRICT;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    uuid BLOB NOT NULL,
    change_number INTEGER NOT NULL,
    living INTEGER NOT NULL,          -- 0: a tombstone, which has no content, no parts and no digest
    digest BLOB,
    stamp INTEGER,
    own_stamp INTEGER,
    future_stamp INTEGER,
    deleted_at INTEGER,
    timestamp INTEGER,
    updated_at INTEGER,
    vote INTEGER,
    img TEXT,
    metadata TEXT,
    embedding TEXT,
    doc TEXT,
    extra TEXT,
    UNIQUE (conversation, uuid)
) STRICT;

-- The parts of a message. `client_id` is the `id` that a device gave, as JSON text: two devices both send 1.

CREATE TABLE message_requests (
    id INTEGER PRIMARY KEY REFERENCES messages (id),
    client_id TEXT,
    request_model TEXT,
    request_messages_role TEXT,
    request_messages_content TEXT,
    request_messages_system_role TEXT,
    request_messages_system_content TEXT,
    request_messages_user_role TEXT,
    request_messages_user_content TEXT,
    request_system_prompt TEXT,
    request_input TEXT,
    request_temperature REAL,
    request_top_p REAL,
    request_n INTEGER,
    request_stream INTEGER,
    request_stop TEXT,
    request_max_tokens INTEGER,
    top_k INTEGER,
    repeat_penalty REAL,
    min_p REAL,
    extra TEXT
) STRICT;

CREATE TABLE message_responses (
    id INTEGER PRIMARY KEY REFERENCES messages (id),
    client_id TEXT,
    response_id TEXT,
    object TEXT,
    model TEXT,
    created_at INTEGER,
    status TEXT,
    error TEXT,
    incomplete_details TEXT,
    instructions TEXT,
    max_output_tokens INTEGER,
    parallel_tool_calls INTEGER,
    previous_response_id TEXT,
    reasoning_effort TEXT,
    reasoning_summary TEXT,
    store INTEGER,
    temperature REAL,
    top_p REAL,
    text_format_type TEXT,
    tool_choice TEXT,
    tools TEXT,
    truncation TEXT,
    usage_input_tokens INTEGER,
    usage_output_tokens INTEGER,
    usage_total_tokens INTEGER,
    user TEXT,
    metadata TEXT,
    extra TEXT
) STRICT;

CREATE TABLE message_outputs (
    id INTEGER PRIMARY KEY REFERENCES messages (id),
    client_id TEXT,
    output_type TEXT,
    output_id TEXT,
    output_status TEXT,
    output_role TEXT,
    output_content_type TEXT,
    output_content_text TEXT,
    output_content_annotations TEXT,
    extra TEXT
) STRICT;
