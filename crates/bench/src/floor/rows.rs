//! The bodies as a program reads them that believes everything: typed, with borrowed text.

use std::borrow::Cow;

use anyhow::Result;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A value of a row.
#[derive(Clone, Copy, Debug)]
pub enum Value<'v> {
    /// NULL.
    Null,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A double.
    Real(f64),
    /// A text.
    Text(&'v str),
    /// Bytes.
    Bytes(&'v [u8]),
}

/// How a column's value stands in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A boolean.
    Boolean,
    /// An integer.
    Integer,
    /// A double.
    Real,
    /// A text, to be quoted.
    Text,
    /// JSON already.
    Json,
    /// A moment, kept as microseconds since 1970.
    Moment,
}

/// A text that borrows from the body where nothing is escaped: serde copies an `Option<Cow<str>>`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A moment of RFC 3339.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Moment<'a>(#[serde(borrow)] Cow<'a, str>);

/// What a column can hold.
trait Column {
    const KIND: Kind;

    fn value(&self) -> Result<Value<'_>>;
}

impl Column for Text<'_> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Result<Value<'_>> {
        Ok(Value::Text(&self.0))
    }
}

impl Column for Moment<'_> {
    const KIND: Kind = Kind::Moment;

    fn value(&self) -> Result<Value<'_>> {
        let moment = chrono::DateTime::parse_from_rfc3339(&self.0)?;
        Ok(Value::Integer(moment.timestamp_micros()))
    }
}

impl Column for &RawValue {
    const KIND: Kind = Kind::Json;

    fn value(&self) -> Result<Value<'_>> {
        Ok(Value::Text(self.get()))
    }
}

impl Column for i64 {
    const KIND: Kind = Kind::Integer;

    fn value(&self) -> Result<Value<'_>> {
        Ok(Value::Integer(*self))
    }
}

impl Column for f64 {
    const KIND: Kind = Kind::Real;

    fn value(&self) -> Result<Value<'_>> {
        Ok(Value::Real(*self))
    }
}

impl Column for bool {
    const KIND: Kind = Kind::Boolean;

    fn value(&self) -> Result<Value<'_>> {
        Ok(Value::Boolean(*self))
    }
}

impl<C: Column> Column for Option<C> {
    const KIND: Kind = C::KIND;

    fn value(&self) -> Result<Value<'_>> {
        self.as_ref().map_or(Ok(Value::Null), Column::value)
    }
}

macro_rules! rows {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$serde:meta])* $column:ident: $type:ty, )+
            $( ; $( $(#[$beside_serde:meta])* $beside:ident: $beside_type:ty, )+ )?
        }
    )+) => { $(
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        pub struct $name<'a> {
            $( $(#[$serde])* $column: Option<$type>, )+
            $( $( $(#[$beside_serde])* /** What is in tables of its own, or a key. */ pub $beside: $beside_type, )+ )?
        }

        impl<'a> $name<'a> {
            /// The columns of its content.
            pub const COLUMNS: &'static [&'static str] = &[$( stringify!($column) ),+];
            /// How each of them stands in JSON.
            pub const KINDS: &'static [Kind] = &[$( <$type as Column>::KIND ),+];

            /// Tells the value of each.
            pub fn tell<'v>(
                &'v self,
                take: &mut impl FnMut(Value<'v>) -> Result<()>,
            ) -> Result<()> {
                $( take(Column::value(&self.$column)?)?; )+
                Ok(())
            }
        }
    )+ };
}

/// A post.
#[derive(Debug, Deserialize)]
pub struct Post<'a> {
    /// Its conversations.
    #[serde(borrow)]
    pub conversations: Vec<Conversation<'a>>,
}

rows! {
    /// A conversation.
    Conversation {
        #[serde(borrow)]
        title: Text<'a>,
        #[serde(borrow)]
        created_at: Moment<'a>,
        #[serde(borrow)]
        updated_at: Moment<'a>,
        local_only: bool,
        ;
        id: Uuid,
        #[serde(borrow, default)]
        messages: Vec<&'a RawValue>,
    }
    /// A message.
    Message {
        #[serde(borrow)]
        timestamp: Moment<'a>,
        #[serde(borrow)]
        updated_at: Moment<'a>,
        vote: bool,
        #[serde(borrow)]
        img: Text<'a>,
        #[serde(borrow)]
        metadata: &'a RawValue,
        #[serde(borrow)]
        embedding: &'a RawValue,
        #[serde(borrow)]
        doc: &'a RawValue,
        ;
        message_id: Uuid,
        #[serde(borrow)]
        request: Option<Request<'a>>,
        #[serde(borrow)]
        response: Option<Response<'a>>,
        #[serde(borrow)]
        output: Option<Output<'a>>,
    }
    /// A request.
    Request {
        #[serde(rename = "id", borrow)]
        client_id: &'a RawValue,
        #[serde(borrow)]
        request_model: Text<'a>,
        #[serde(borrow)]
        request_messages_role: Text<'a>,
        #[serde(borrow)]
        request_messages_content: Text<'a>,
        #[serde(borrow)]
        request_messages_system_role: Text<'a>,
        #[serde(borrow)]
        request_messages_system_content: Text<'a>,
        #[serde(borrow)]
        request_messages_user_role: Text<'a>,
        #[serde(borrow)]
        request_messages_user_content: Text<'a>,
        #[serde(borrow)]
        request_system_prompt: Text<'a>,
        #[serde(borrow)]
        request_input: Text<'a>,
        request_temperature: f64,
        request_top_p: f64,
        request_n: i64,
        request_stream: bool,
        #[serde(borrow)]
        request_stop: &'a RawValue,
        request_max_tokens: i64,
        top_k: i64,
        repeat_penalty: f64,
        min_p: f64,
    }
    /// A response.
    Response {
        #[serde(rename = "id", borrow)]
        client_id: &'a RawValue,
        #[serde(borrow)]
        response_id: Text<'a>,
        #[serde(borrow)]
        object: Text<'a>,
        #[serde(borrow)]
        model: Text<'a>,
        #[serde(borrow)]
        created_at: Moment<'a>,
        #[serde(borrow)]
        status: Text<'a>,
        #[serde(borrow)]
        error: &'a RawValue,
        #[serde(borrow)]
        incomplete_details: &'a RawValue,
        #[serde(borrow)]
        instructions: Text<'a>,
        max_output_tokens: i64,
        parallel_tool_calls: bool,
        #[serde(borrow)]
        previous_response_id: Text<'a>,
        #[serde(borrow)]
        reasoning_effort: Text<'a>,
        #[serde(borrow)]
        reasoning_summary: Text<'a>,
        store: bool,
        temperature: f64,
        top_p: f64,
        #[serde(borrow)]
        text_format_type: Text<'a>,
        #[serde(borrow)]
        tool_choice: &'a RawValue,
        #[serde(borrow)]
        tools: &'a RawValue,
        #[serde(borrow)]
        truncation: Text<'a>,
        usage_input_tokens: i64,
        usage_output_tokens: i64,
        usage_total_tokens: i64,
        #[serde(borrow)]
        user: Text<'a>,
        #[serde(borrow)]
        metadata: &'a RawValue,
    }
    /// An output.
    Output {
        #[serde(rename = "id", borrow)]
        client_id: &'a RawValue,
        #[serde(borrow)]
        output_type: Text<'a>,
        #[serde(borrow)]
        output_id: Text<'a>,
        #[serde(borrow)]
        output_status: Text<'a>,
        #[serde(borrow)]
        output_role: Text<'a>,
        #[serde(borrow)]
        output_content_type: Text<'a>,
        #[serde(borrow)]
        output_content_text: Text<'a>,
        #[serde(borrow)]
        output_content_annotations: &'a RawValue,
    }
}

impl Conversation<'_> {
    /// The stamp that it and its messages get: its `updated_at`.
    pub fn stamp(&self) -> Result<Value<'_>> {
        self.updated_at.value()
    }
}
