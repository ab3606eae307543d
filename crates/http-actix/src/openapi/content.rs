//! What an operation takes and answers.

use actix_web::http::StatusCode;
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::{Content, Required, Response};

use super::headers::add_header;
use super::schema::{NamedSchema, shared};

const JSON: &str = "application/json";

/// The body of a request: JSON.
pub(crate) struct Body {
    description: &'static str,
    pub(super) content: Typed,
}

impl Body {
    pub(crate) fn json(schema: NamedSchema, description: &'static str) -> Self {
        Self {
            description,
            content: Typed::new(JSON, Some(schema)),
        }
    }

    /// With an example, which the server takes and answers as the operation says.
    pub(crate) fn example(mut self, name: &'static str, value: Value) -> Self {
        self.content.examples.push((name, value));
        self
    }

    pub(super) fn into_openapi(self) -> RequestBody {
        let mut body = RequestBody::new();
        body.description = Some(self.description.to_owned());
        body.required = Some(Required::True);
        let (kind, content) = self.content.into_openapi();
        body.content.insert(kind, content.into());
        body
    }
}

/// What is answered where nothing is wrong.
pub(crate) struct Answer {
    pub(super) status: StatusCode,
    description: &'static str,
    headers: Vec<&'static str>,
    pub(super) content: Option<Typed>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn new(status: StatusCode, description: &'static str) -> Self {
        Self {
            status,
            description,
            headers: Vec::new(),
            content: None,
        }
    }

    /// An answer of JSON.
    pub(crate) fn json(status: StatusCode, description: &'static str, schema: NamedSchema) -> Self {
        Self::new(status, description).of_type(JSON, Some(schema))
    }

    /// An answer of another type; what it holds the schema tells, where there is one.
    pub(crate) fn of_type(mut self, kind: &'static str, schema: Option<NamedSchema>) -> Self {
        self.content = Some(Typed::new(kind, schema));
        self
    }

    /// With this header, which is in [`headers::all`].
    pub(crate) fn header(mut self, name: &'static str) -> Self {
        self.headers.push(name);
        self
    }

    /// With an example of its body.
    pub(crate) fn example(mut self, name: &'static str, value: Value) -> Self {
        if let Some(content) = &mut self.content {
            content.examples.push((name, value));
        }
        self
    }

    pub(super) fn into_openapi(self) -> Response {
        let mut response = Response::new(self.description);
        for name in self.headers {
            add_header(&mut response, name);
        }
        if let Some(content) = self.content {
            let (kind, content) = content.into_openapi();
            response.content.insert(kind, content.into());
        }
        response
    }
}

/// A body of some type.
pub(super) struct Typed {
    kind: &'static str,
    pub(super) schema: Option<NamedSchema>,
    examples: Vec<(&'static str, Value)>,
}

impl Typed {
    fn new(kind: &'static str, schema: Option<NamedSchema>) -> Self {
        Self {
            kind,
            schema,
            examples: Vec::new(),
        }
    }

    fn into_openapi(self) -> (String, Content) {
        let mut content = Content::default();
        content.schema = self.schema.map(|schema| shared(schema.name).into());
        content.examples = self
            .examples
            .into_iter()
            .map(|(name, value)| {
                let example = ExampleBuilder::new().value(Some(value));
                (name.to_owned(), example.into())
            })
            .collect();
        (self.kind.to_owned(), content)
    }
}
