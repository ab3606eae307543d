//! What an endpoint says of itself: one method of one path.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;
use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{self, Parameter};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::{Content, Ref, RefOr, Required, Response, Schema, SecurityRequirement};

use super::schema::{NamedSchema, shared};
use super::{errors, headers, parameters, security};
use crate::error::ErrorCode;

const JSON: &str = "application/json";

/// What an operation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Devices that keep each other up to date.
    Sync,
    /// Looking at conversations.
    Conversations,
    /// Whom conversations belong to.
    Visitors,
    /// The server itself.
    Server,
}

impl Topic {
    pub(crate) const ALL: [Self; 4] = [
        Self::Sync,
        Self::Conversations,
        Self::Visitors,
        Self::Server,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sync => "Sync",
            Self::Conversations => "Conversations",
            Self::Visitors => "Visitors",
            Self::Server => "Server",
        }
    }

    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Sync => {
                "Devices that keep each other up to date: post what changed, pull what others changed."
            }
            Self::Conversations => "Reading and deleting conversations one by one.",
            Self::Visitors => "Whom conversations belong to.",
            Self::Server => "The server itself; nothing here needs a visitor.",
        }
    }
}

/// What an endpoint says of itself.
pub(crate) struct Operation {
    id: &'static str,
    topic: Topic,
    summary: &'static str,
    description: &'static str,
    scope: Option<Scope>,
    parameters: Vec<RefOr<Parameter>>,
    body: Option<Body>,
    answers: Vec<Answer>,
    errors: BTreeSet<ErrorCode>,
    security: Option<Vec<SecurityRequirement>>,
    is_counted: bool,
}

impl Operation {
    /// An operation of this name, which is unique and stays as it is: generated clients call their functions by it.
    pub(crate) fn new(id: &'static str, topic: Topic, summary: &'static str) -> Self {
        Self {
            id,
            topic,
            summary,
            description: "",
            scope: None,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            errors: errors::OF_EVERY_OPERATION.into(),
            security: None,
            is_counted: true,
        }
    }

    /// What is to be said beyond the summary.
    pub(crate) fn description(mut self, text: &'static str) -> Self {
        self.description = text;
        self
    }

    /// It works on the data of the visitor that the URL names; an API key needs this scope.
    pub(crate) fn of_visitor(mut self, scope: Scope) -> Self {
        self.parameters.extend(parameters::VISITOR.map(parameter));
        self.errors.extend(errors::OF_VISITOR);
        self.proved_by(security::of_visitor(scope), scope)
    }

    /// It works on the data of the user that the URL names; an API key needs this scope.
    pub(crate) fn of_user(mut self, scope: Scope) -> Self {
        self.parameters.push(parameter(parameters::INTO_USER));
        self.errors.extend(errors::OF_VISITOR);
        self.proved_by(security::of_user(scope), scope)
    }

    /// It makes visitors; an API key needs this scope.
    pub(crate) fn of_new_visitor(mut self, scope: Scope) -> Self {
        self.errors.extend(errors::OF_NEW_VISITOR);
        self.proved_by(security::of_user(scope), scope)
    }

    fn proved_by(mut self, requirements: Vec<SecurityRequirement>, scope: Scope) -> Self {
        self.security = Some(requirements);
        self.scope = Some(scope);
        self
    }

    /// It is asked by what watches the server, and not counted by its limits.
    pub(crate) fn of_probe(mut self) -> Self {
        self.is_counted = false;
        self.errors.remove(&ErrorCode::TooManyRequests);
        self
    }

    /// Takes these parameters, which are in [`parameters::all`].
    pub(crate) fn parameters<const N: usize>(mut self, names: [&str; N]) -> Self {
        self.parameters.extend(names.map(parameter));
        self
    }

    /// Takes this body.
    pub(crate) fn body(mut self, body: Body) -> Self {
        self.errors.extend(errors::OF_BODY);
        self.body = Some(body);
        self
    }

    /// Answers with this where nothing is wrong.
    pub(crate) fn answer(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// Answers 304 to a client that has what there is.
    pub(crate) fn not_modified(self) -> Self {
        let answer = Answer::new(
            StatusCode::NOT_MODIFIED,
            "What the client has is what there is.",
        );
        self.parameters([parameters::IF_NONE_MATCH])
            .answer(answer.header(headers::ETAG))
    }

    /// May fail with these codes, beside those that come with what was said before.
    pub(crate) fn errors<const N: usize>(mut self, codes: [ErrorCode; N]) -> Self {
        self.errors.extend(codes);
        self
    }

    /// The schemas that it brings.
    pub(super) fn schemas(&self) -> BTreeMap<String, RefOr<Schema>> {
        let answers = self
            .answers
            .iter()
            .filter_map(|answer| answer.content.as_ref());
        let bodies = self.body.iter().map(|body| &body.content).chain(answers);
        let named = bodies.filter_map(|content| content.schema.clone());
        named
            .map(|NamedSchema { name, schema }| (name.to_owned(), schema))
            .collect()
    }

    #[cfg(test)]
    pub(super) fn id(&self) -> &'static str {
        self.id
    }

    /// The codes of its errors.
    #[cfg(test)]
    pub(super) fn error_codes(&self) -> &BTreeSet<ErrorCode> {
        &self.errors
    }

    /// The same in the words of OpenAPI.
    pub(super) fn into_openapi(self) -> path::Operation {
        let mut operation = path::Operation::new();
        operation.operation_id = Some(self.id.to_owned());
        operation.tags = Some(vec![self.topic.name().to_owned()]);
        operation.summary = Some(self.summary.to_owned());
        let scope = self
            .scope
            .map(|scope| format!("An API key needs the scope `{scope}`."));
        let description = iter::once(self.description.to_owned()).chain(scope);
        let paragraphs: Vec<_> = description.filter(|text| !text.is_empty()).collect();
        operation.description = Some(paragraphs.join("\n\n")).filter(|text| !text.is_empty());
        operation.parameters = Some(self.parameters).filter(|list| !list.is_empty());
        operation.request_body = self.body.map(|body| body.into_openapi().into());
        operation.security = self.security;
        let mut responses = errors::responses(&self.errors);
        for answer in self.answers {
            responses.insert(answer.status.as_str().to_owned(), answer.into_openapi());
        }
        for response in responses.values_mut() {
            let always = headers::OF_EVERY_ANSWER.into_iter();
            for name in always.chain(self.is_counted.then_some(headers::RATE_LIMIT)) {
                add_header(response, name);
            }
        }
        operation.responses = responses.into_iter().collect();
        operation
    }
}

fn parameter(name: &str) -> RefOr<Parameter> {
    RefOr::Ref(Ref::new(format!("#/components/parameters/{name}")))
}

pub(super) fn add_header(response: &mut Response, name: &str) {
    let header = Ref::new(format!("#/components/headers/{name}"));
    response.headers.insert(name.to_owned(), RefOr::Ref(header));
}

/// The body of a request: JSON.
pub(crate) struct Body {
    description: &'static str,
    content: Typed,
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

    fn into_openapi(self) -> RequestBody {
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
    status: StatusCode,
    description: &'static str,
    headers: Vec<&'static str>,
    content: Option<Typed>,
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

    fn into_openapi(self) -> Response {
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
struct Typed {
    kind: &'static str,
    schema: Option<NamedSchema>,
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
