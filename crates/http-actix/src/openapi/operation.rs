//! What an endpoint says of itself: one method of one path.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use actix_web::http::StatusCode;
use convosync_domain::api_key::Scope;
use utoipa::openapi::path::{self, Parameter};
use utoipa::openapi::{Ref, RefOr, Schema, SecurityRequirement};

use super::content::{Answer, Body};
use super::schema::NamedSchema;
use super::{errors, headers, parameters, security};
use crate::error::ErrorCode;

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

    /// It is the operator's, who shows the token of the settings.
    pub(crate) fn of_operator(mut self) -> Self {
        self.security = Some(vec![security::of_operator()]);
        self
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
                headers::add_header(response, name);
            }
        }
        operation.responses = responses.into_iter().collect();
        operation
    }
}

fn parameter(name: &str) -> RefOr<Parameter> {
    RefOr::Ref(Ref::new(format!("#/components/parameters/{name}")))
}
