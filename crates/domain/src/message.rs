//! What a message holds: its own fields and the LLM request, response and output that made it.

use crate::fields::{PartId, declare_fields};
use crate::json::JsonValue;
use crate::patch::Precedence;
use crate::timestamp::Timestamp;

/// A message: its fields and at most one of each part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The fields of the message itself.
    pub fields: MessageFields,
    /// What was asked of the model.
    pub request: Option<MessageRequest>,
    /// What the model's service answered about itself.
    pub response: Option<MessageResponse>,
    /// What the model said.
    pub output: Option<MessageOutput>,
}

/// What a post says about a message and its parts; a part that was sent exists, even empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessagePatch {
    /// The fields of the message itself.
    pub fields: MessageFieldsPatch,
    /// What was asked of the model.
    pub request: Option<MessageRequestPatch>,
    /// What the model's service answered about itself.
    pub response: Option<MessageResponsePatch>,
    /// What the model said.
    pub output: Option<MessageOutputPatch>,
}

impl From<Message> for MessagePatch {
    /// What a post says that names every part, and every field which has a value.
    fn from(message: Message) -> Self {
        Self {
            fields: message.fields.into(),
            request: message.request.map(Into::into),
            response: message.response.map(Into::into),
            output: message.output.map(Into::into),
        }
    }
}

declare_fields! {
    /// The fields of a message, but its id and its parts.
    MessageFields,
    /// What a post says about the fields of a message.
    MessageFieldsPatch {
        /// When the message was written; the moment of receipt when nobody sent one.
        timestamp: Timestamp,
        /// When the device last changed it, as sent.
        updated_at: Timestamp,
        /// Thumbs up or down.
        vote: bool,
        /// An image, as its URL or data.
        img: String,
        /// Whatever the app notes about the message.
        metadata: JsonValue,
        /// An embedding of the message.
        embedding: JsonValue,
        /// A document that belongs to the message.
        doc: JsonValue,
    }
}

declare_fields! {
    /// The normalized request that was made of a model.
    MessageRequest,
    /// What a post says about a request.
    MessageRequestPatch {
        /// The id that the device gave it.
        id: PartId,
        /// The model that was asked.
        request_model: String,
        /// The role of the last message sent.
        request_messages_role: String,
        /// The text of the last message sent.
        request_messages_content: String,
        /// The role of the system message.
        request_messages_system_role: String,
        /// The text of the system message.
        request_messages_system_content: String,
        /// The role of the user's message.
        request_messages_user_role: String,
        /// The text of the user's message.
        request_messages_user_content: String,
        /// The system prompt, where the service takes it apart from the messages.
        request_system_prompt: String,
        /// The input, where the service takes one instead of messages.
        request_input: String,
        /// Sampling temperature.
        request_temperature: f64,
        /// Nucleus sampling.
        request_top_p: f64,
        /// How many answers were asked for.
        request_n: i64,
        /// Whether the answer was to be streamed.
        request_stream: bool,
        /// The texts at which the model stops.
        request_stop: JsonValue,
        /// The most tokens to answer with.
        request_max_tokens: i64,
        /// Top-k sampling.
        top_k: i64,
        /// Penalty for repetition.
        repeat_penalty: f64,
        /// Min-p sampling.
        min_p: f64,
    }
}

declare_fields! {
    /// The normalized response of a model's service.
    MessageResponse,
    /// What a post says about a response.
    MessageResponsePatch {
        /// The id that the device gave it.
        id: PartId,
        /// The id that the service gave it.
        response_id: String,
        /// The service's name for this kind of object.
        object: String,
        /// The model that answered.
        model: String,
        /// When the service made it.
        created_at: Timestamp,
        /// How far it is.
        status: String,
        /// What went wrong.
        error: JsonValue,
        /// Why it is incomplete.
        incomplete_details: JsonValue,
        /// The instructions in force.
        instructions: String,
        /// The most tokens to answer with.
        max_output_tokens: i64,
        /// Whether tools could be called in parallel.
        parallel_tool_calls: bool,
        /// The response that this one continues.
        previous_response_id: String,
        /// How hard the model was to reason.
        reasoning_effort: String,
        /// A summary of its reasoning.
        reasoning_summary: String,
        /// Whether the service was to keep it.
        store: bool,
        /// Sampling temperature.
        temperature: f64,
        /// Nucleus sampling.
        top_p: f64,
        /// The format of the text.
        text_format_type: String,
        /// Which tool the model was to choose.
        tool_choice: JsonValue,
        /// The tools it was offered.
        tools: JsonValue,
        /// How the context was cut.
        truncation: String,
        /// Tokens read.
        usage_input_tokens: i64,
        /// Tokens written.
        usage_output_tokens: i64,
        /// Tokens in all.
        usage_total_tokens: i64,
        /// The end user that the service was told of.
        user: String,
        /// Whatever was noted about it.
        metadata: JsonValue,
    }
}

declare_fields! {
    /// The normalized output of a model.
    MessageOutput,
    /// What a post says about an output.
    MessageOutputPatch {
        /// The id that the device gave it.
        id: PartId,
        /// The kind of output.
        output_type: String,
        /// The id that the service gave it.
        output_id: String,
        /// How far it is.
        output_status: String,
        /// Who speaks.
        output_role: String,
        /// The kind of content.
        output_content_type: String,
        /// The text.
        output_content_text: String,
        /// Citations and other annotations of the text.
        output_content_annotations: JsonValue,
    }
}

impl Message {
    /// What a post received at `received_at` creates.
    #[must_use]
    pub fn created_at_receipt(patch: MessagePatch, received_at: Timestamp) -> Self {
        let mut created = Self::created_from(patch);
        created.fields.timestamp.get_or_insert(received_at);
        created
    }

    /// What a post creates that names these fields and parts.
    #[must_use]
    pub fn created_from(patch: MessagePatch) -> Self {
        Self {
            fields: MessageFields::created_from(patch.fields),
            request: patch.request.map(MessageRequest::created_from),
            response: patch.response.map(MessageResponse::created_from),
            output: patch.output.map(MessageOutput::created_from),
        }
    }

    /// About how many bytes the fields and parts have, unknown ones included.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        let request = self.request.as_ref();
        let response = self.response.as_ref();
        let output = self.output.as_ref();
        self.fields.content_bytes()
            + request.map_or(0, MessageRequest::content_bytes)
            + response.map_or(0, MessageResponse::content_bytes)
            + output.map_or(0, MessageOutput::content_bytes)
    }

    /// Merges a post by the merge rule and tells whether anything changed. A part that is not
    /// stored yet is created, even by an older post.
    pub fn merge(&mut self, patch: MessagePatch, precedence: Precedence) -> bool {
        macro_rules! merge_part {
            ($part:ident, $type:ident) => {
                match (&mut self.$part, patch.$part) {
                    (_, None) => false,
                    (Some(stored), Some(posted)) => stored.merge(posted, precedence),
                    (missing @ None, Some(posted)) => {
                        *missing = Some($type::created_from(posted));
                        true
                    }
                }
            };
        }
        let mut changed = self.fields.merge(patch.fields, precedence);
        changed |= merge_part!(request, MessageRequest);
        changed |= merge_part!(response, MessageResponse);
        changed |= merge_part!(output, MessageOutput);
        changed
    }

    /// Whether the post would change anything if it were newer.
    #[must_use]
    pub fn would_change(&self, patch: &MessagePatch) -> bool {
        macro_rules! part_would_change {
            ($part:ident) => {
                match (&self.$part, &patch.$part) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(stored), Some(posted)) => stored.would_change(posted),
                }
            };
        }
        self.fields.would_change(&patch.fields)
            || part_would_change!(request)
            || part_would_change!(response)
            || part_would_change!(output)
    }

    /// Whether the post names every part, and every field that has a value.
    #[must_use]
    pub fn is_named_by(&self, patch: &MessagePatch) -> bool {
        macro_rules! part_is_named {
            ($part:ident) => {
                match (&self.$part, &patch.$part) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(stored), Some(posted)) => stored.is_named_by(posted),
                }
            };
        }
        self.fields.is_named_by(&patch.fields)
            && part_is_named!(request)
            && part_is_named!(response)
            && part_is_named!(output)
    }
}
