DROP TABLE message_outputs;
DROP TABLE message_responses;
DROP TABLE message_requests;
DROP TABLE messages;
DROP TABLE conversations;
DROP TABLE visitors;
DROP TABLE store;
