CREATE TABLE public.__diesel_schema_migrations (
    version character varying(50) NOT NULL,
    run_on timestamp without time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

CREATE TABLE public.conversations (
    visitor_id uuid NOT NULL,
    id uuid NOT NULL,
    change_number bigint NOT NULL,
    latest_change bigint NOT NULL,
    living boolean NOT NULL,
    stamp bigint,
    future_stamp bigint,
    erased_through bigint,
    title text,
    created_at bigint,
    updated_at bigint,
    local_only boolean,
    extra text
);

CREATE TABLE public.message_outputs (
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
    extra text
);

CREATE TABLE public.message_requests (
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
    extra text
);

CREATE TABLE public.message_responses (
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
    extra text
);

CREATE TABLE public.messages (
    visitor_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    id uuid NOT NULL,
    change_number bigint NOT NULL,
    living boolean NOT NULL,
    digest bytea,
    stamp bigint,
    own_stamp bigint,
    future_stamp bigint,
    deleted_at bigint,
    "timestamp" bigint,
    updated_at bigint,
    vote boolean,
    img text,
    metadata text,
    embedding text,
    doc text,
    extra text
);

CREATE TABLE public.store (
    id bigint NOT NULL,
    epoch uuid NOT NULL,
    digest_seed bigint NOT NULL,
    CONSTRAINT store_id_check CHECK ((id = 1))
);

CREATE TABLE public.visitors (
    id uuid NOT NULL,
    kind integer NOT NULL,
    user_id text,
    registered_at bigint NOT NULL,
    change_counter bigint NOT NULL,
    latest_write uuid NOT NULL
);

INSERT INTO public.__diesel_schema_migrations VALUES ('20261124000001', '2026-11-25 22:21:58.908372');

INSERT INTO public.conversations VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '6518856d-63ae-5696-b190-8593ef95598b', 1, 1, true, 1753698896123456, NULL, NULL, 'One "of" everything 😀', 1753619696000000, 1753698896123456, false, '{"folder":{"name": "unknown", "depth": [1, 2.5, null]}}');
INSERT INTO public.conversations VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '9518856d-63ae-5696-b190-8593ef95598b', 1, 1, false, NULL, NULL, 1753747200000000, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.conversations VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000003-0000-4000-8000-000000000000', 3, 3, false, 1767225660000000, NULL, 1767225780000000, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.conversations VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000001-0000-4000-8000-000000000000', 2, 3, true, 1767225660000000, NULL, NULL, 'First', 1795645319012505, 1767225660000000, NULL, '{"color":"blue"}');
INSERT INTO public.conversations VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000005-0000-4000-8000-000000000000', 4, 4, false, NULL, NULL, 1767225660000000, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.conversations VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000004-0000-4000-8000-000000000000', 4, 4, true, 1767225900000000, NULL, 1767225780000000, 'Lives', 1795645319020890, 1767225900000000, NULL, NULL);
INSERT INTO public.conversations VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000002-0000-4000-8000-000000000000', 2, 4, true, 1767225660000000, NULL, NULL, NULL, 1795645319012505, 1767225660000000, NULL, NULL);
INSERT INTO public.conversations VALUES ('9fbb3daf-a31a-8c29-aac0-dfce3621d71d', '00000001-0000-4000-8000-000000000000', 1, 1, true, NULL, NULL, NULL, 'Mine', 1795645319023632, NULL, true, NULL);

INSERT INTO public.message_outputs VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '6518856d-63ae-5696-b190-8593ef95598b', '7518856d-63ae-5696-b190-8593ef95598b', NULL, 'message', NULL, NULL, NULL, NULL, 'Hello!', '[]', NULL);
INSERT INTO public.message_outputs VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000001-0000-4000-8000-000000000000', '00000011-0000-4000-8000-000000000000', NULL, 'text', NULL, NULL, NULL, NULL, 'Hello! 😀', NULL, NULL);
INSERT INTO public.message_outputs VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000001-0000-4000-8000-000000000000', '00000013-0000-4000-8000-000000000000', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO public.message_requests VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '6518856d-63ae-5696-b190-8593ef95598b', '7518856d-63ae-5696-b190-8593ef95598b', '1', 'gpt-4', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Hi', 0.7, NULL, 1, false, '["\n"]', NULL, 40, NULL, 5e-324, NULL);
INSERT INTO public.message_requests VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000001-0000-4000-8000-000000000000', '00000011-0000-4000-8000-000000000000', '1', 'gpt-4', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0.7, NULL, NULL, NULL, '["x"]', NULL, NULL, NULL, NULL, '{"seed":7}');

INSERT INTO public.message_responses VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '6518856d-63ae-5696-b190-8593ef95598b', '7518856d-63ae-5696-b190-8593ef95598b', '"r-1"', NULL, NULL, 'gpt-4', 1753619701000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, NULL, NULL, NULL, NULL, '[{"type": "x"}]', NULL, NULL, NULL, 9223372036854775807, NULL, '{"a": null}', NULL);
INSERT INTO public.message_responses VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000001-0000-4000-8000-000000000000', '00000011-0000-4000-8000-000000000000', '"r"', 'resp_1', NULL, 'gpt-4', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 42, NULL, NULL, NULL);

INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '6518856d-63ae-5696-b190-8593ef95598b', '7518856d-63ae-5696-b190-8593ef95598b', 1, true, '\xf31ef6a8cdc32b88f9111dcfb5788f4a', 1753689600000000, 1753689600000000, NULL, NULL, 1753619700000000, 1753689600000000, true, 'data:,x', '{"n": 12345678901234567890123, "s": "\u00e9\ud83d\ude00\n", "a": [{}, [], ""]}', '[0.1, -0.002, 0]', '"text"', NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '6518856d-63ae-5696-b190-8593ef95598b', '8518856d-63ae-5696-b190-8593ef95598b', 1, true, '\xf6bc1f58c3996af84c50583824690635', 1753698896123456, NULL, NULL, NULL, 1795645319005340, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000001-0000-4000-8000-000000000000', '00000011-0000-4000-8000-000000000000', 2, true, '\x79c06d2367bcca626e8dc606f39ab50b', 1767225660000000, 1767225660000000, NULL, NULL, 1767225600000000, 1767225660000000, true, 'data:,x', '{"a": [1.5, "\u00e9\n"]}', NULL, '{"k": 12345678901234567890123}', NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000001-0000-4000-8000-000000000000', '00000013-0000-4000-8000-000000000000', 2, true, '\x3efb391b694fbc8ed55fa5162ba0c15c', 1767225660000000, 1767225660000000, NULL, NULL, 1795645319012505, 1767225660000000, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000002-0000-4000-8000-000000000000', '00000021-0000-4000-8000-000000000000', 2, true, '\x5d1d4aeef7dd5ae973ece50dcb573f1c', 1767225660000000, NULL, NULL, NULL, 1795645319012505, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000003-0000-4000-8000-000000000000', '00000031-0000-4000-8000-000000000000', 3, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000003-0000-4000-8000-000000000000', '00000032-0000-4000-8000-000000000000', 3, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000004-0000-4000-8000-000000000000', '00000041-0000-4000-8000-000000000000', 3, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000001-0000-4000-8000-000000000000', '00000012-0000-4000-8000-000000000000', 3, false, NULL, 1767225660000000, 1767225660000000, NULL, 1767225720000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000002-0000-4000-8000-000000000000', '00000022-0000-4000-8000-000000000000', 4, true, '\xdb81df5c28a31ef81117aafb56908d40', 1795645319020890, 1795645319020890, 4070908800000000, NULL, 1795645319020890, 4070908800000000, false, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.messages VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', '00000004-0000-4000-8000-000000000000', '00000042-0000-4000-8000-000000000000', 4, true, '\xd52d4689ee0fd1404553d227d035f962', 1767225900000000, NULL, NULL, NULL, 1795645319020890, NULL, NULL, 'y', NULL, NULL, NULL, NULL);
INSERT INTO public.messages VALUES ('9fbb3daf-a31a-8c29-aac0-dfce3621d71d', '00000001-0000-4000-8000-000000000000', '00000011-0000-4000-8000-000000000000', 1, true, '\xa2848cc85a5e96afb34ac8dded0ec9b8', NULL, NULL, NULL, NULL, 1795645319023632, NULL, NULL, NULL, NULL, '[0.1, 0.2]', NULL, NULL);

INSERT INTO public.store VALUES (1, '997de819-d38c-44c3-9936-770871c2b8eb', 316884247916302891);

INSERT INTO public.visitors VALUES ('bf91b7ea-ecb1-81c3-9d07-a65e7c95a089', 1, 'ada', 1795645319005340, 4, '3e36deac-8086-48dd-96d9-e94a5a398b5d');
INSERT INTO public.visitors VALUES ('9fbb3daf-a31a-8c29-aac0-dfce3621d71d', 0, NULL, 1795645319023632, 1, '39820058-ed20-4dc1-a452-8ad1f3cf87d8');

ALTER TABLE ONLY public.__diesel_schema_migrations
    ADD CONSTRAINT __diesel_schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.conversations
    ADD CONSTRAINT conversations_pkey PRIMARY KEY (visitor_id, id);

ALTER TABLE ONLY public.message_outputs
    ADD CONSTRAINT message_outputs_pkey PRIMARY KEY (visitor_id, conversation_id, message_id);

ALTER TABLE ONLY public.message_requests
    ADD CONSTRAINT message_requests_pkey PRIMARY KEY (visitor_id, conversation_id, message_id);

ALTER TABLE ONLY public.message_responses
    ADD CONSTRAINT message_responses_pkey PRIMARY KEY (visitor_id, conversation_id, message_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (visitor_id, conversation_id, id);

ALTER TABLE ONLY public.store
    ADD CONSTRAINT store_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.visitors
    ADD CONSTRAINT visitors_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.conversations
    ADD CONSTRAINT conversations_visitor_id_fkey FOREIGN KEY (visitor_id) REFERENCES public.visitors(id);

ALTER TABLE ONLY public.message_outputs
    ADD CONSTRAINT message_outputs_visitor_id_conversation_id_message_id_fkey FOREIGN KEY (visitor_id, conversation_id, message_id) REFERENCES public.messages(visitor_id, conversation_id, id);

ALTER TABLE ONLY public.message_requests
    ADD CONSTRAINT message_requests_visitor_id_conversation_id_message_id_fkey FOREIGN KEY (visitor_id, conversation_id, message_id) REFERENCES public.messages(visitor_id, conversation_id, id);

ALTER TABLE ONLY public.message_responses
    ADD CONSTRAINT message_responses_visitor_id_conversation_id_message_id_fkey FOREIGN KEY (visitor_id, conversation_id, message_id) REFERENCES public.messages(visitor_id, conversation_id, id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_visitor_id_conversation_id_fkey FOREIGN KEY (visitor_id, conversation_id) REFERENCES public.conversations(visitor_id, id);
