//! The document for people: one page of HTML, whole in itself. It has no script, and its style is the only one
//! that a browser may use on it.

mod schemas;
#[cfg(test)]
mod tests;
mod text;

use std::iter;

use serde_json::Value;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::{Content, OpenApi, PathItem, Ref, RefOr, Response};

use self::schemas::kind;
use self::text::{escaped, marked_up};

const STYLE: &str = include_str!("style.css");

/// What a browser may load for the page: nothing, and of styles this one by its hash.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    style-src 'sha256-Plg7mT0L1zfa9ERvW/Ko4H+DX+ZxtufMwUfAiVAssew='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page of a document.
pub(super) fn page(document: &OpenApi) -> String {
    let description = document.info.description.as_deref().unwrap_or_default();
    let described = described(document);
    let topics: Vec<_> = document.tags.iter().flatten().collect();
    let of_topic = |name: &str| {
        let name = name.to_owned();
        described
            .iter()
            .filter(move |one| one.operation.tags.iter().flatten().any(|tag| *tag == name))
    };
    let contents = topics.iter().map(|topic| {
        let links = of_topic(&topic.name).map(Described::link);
        format!(
            "<h4>{}</h4>\n<ul>\n{}</ul>\n",
            escaped(&topic.name),
            links.collect::<String>()
        )
    });
    let sections = topics.iter().map(|topic| {
        let operations = of_topic(&topic.name).map(|one| one.section(document));
        format!(
            "<h2>{}</h2>\n{}{}",
            escaped(&topic.name),
            marked_up(topic.description.as_deref().unwrap_or_default()),
            operations.collect::<String>(),
        )
    });
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title} API</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{title} API <small>{version}</small></h1>\n{description}\
         <p>The same for programs: <a href=\"/openapi.json\">openapi.json</a>.</p>\n\
         <nav>\n{contents}</nav>\n<main>\n{sections}<h2>Schemas</h2>\n{schemas}</main>\n</body>\n</html>\n",
        title = escaped(&document.info.title),
        version = escaped(&document.info.version),
        description = marked_up(description),
        contents = contents.collect::<String>(),
        sections = sections.collect::<String>(),
        schemas = schemas::sections(document),
    )
}

/// An operation, with what leads to it.
struct Described<'a> {
    path: &'a str,
    method: &'static str,
    operation: &'a Operation,
}

fn described(document: &OpenApi) -> Vec<Described<'_>> {
    let paths = document.paths.paths.iter();
    paths
        .flat_map(|(path, item)| {
            methods(item).map(move |(method, operation)| Described {
                path,
                method,
                operation,
            })
        })
        .collect()
}

fn methods(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let methods = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("DELETE", &item.delete),
    ];
    methods
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

impl Described<'_> {
    fn id(&self) -> &str {
        self.operation.operation_id.as_deref().unwrap_or_default()
    }

    fn summary(&self) -> String {
        escaped(self.operation.summary.as_deref().unwrap_or_default())
    }

    fn link(&self) -> String {
        format!(
            "<li><code class=\"method\">{}</code> <a href=\"#{}\">{}</a> {}</li>\n",
            self.method,
            self.id(),
            escaped(self.path),
            self.summary(),
        )
    }

    fn section(&self, document: &OpenApi) -> String {
        let operation = self.operation;
        let description = operation.description.as_deref().unwrap_or_default();
        let parameters = operation.parameters.iter().flatten();
        let parameters: String = parameters
            .filter_map(|parameter| parameter_row(document, parameter))
            .collect();
        let body = match &operation.request_body {
            Some(RefOr::T(body)) => body_of(body),
            _ => String::new(),
        };
        let responses = operation.responses.responses.iter();
        let responses: String = responses
            .filter_map(|(status, response)| match response {
                RefOr::T(response) => Some(response_row(status, response)),
                RefOr::Ref(_) => None,
            })
            .collect();
        format!(
            "<section id=\"{}\">\n<h3><code class=\"method\">{}</code> <code>{}</code></h3>\n\
             <p>{}</p>\n{}{}{body}{}</section>\n",
            self.id(),
            self.method,
            escaped(self.path),
            self.summary(),
            marked_up(description),
            table("Parameters", &parameters),
            table("Answers", &responses),
        )
    }
}

fn table(title: &str, rows: &str) -> String {
    match rows {
        "" => String::new(),
        rows => format!("<h4>{title}</h4>\n<table>\n{rows}</table>\n"),
    }
}

fn row(name: &str, note: &str, told: &str) -> String {
    format!(
        "<tr><td><code>{}</code> <span class=\"required\">{note}</span></td><td>{told}</td></tr>\n",
        escaped(name)
    )
}

fn parameter_row(document: &OpenApi, parameter: &RefOr<Parameter>) -> Option<String> {
    let parameter = match parameter {
        RefOr::T(parameter) => parameter,
        RefOr::Ref(Ref { ref_location, .. }) => {
            let (_, name) = ref_location.rsplit_once('/')?;
            match document.components.as_ref()?.parameters.get(name)? {
                RefOr::T(parameter) => parameter,
                RefOr::Ref(_) => return None,
            }
        }
    };
    let place = serde_json::to_value(&parameter.parameter_in).ok()?;
    let kind = parameter.schema.as_ref().map(kind).unwrap_or_default();
    let description = marked_up(parameter.description.as_deref().unwrap_or_default());
    let told = format!("{kind}{description}");
    Some(row(&parameter.name, place.as_str()?, &told))
}

fn body_of(body: &RequestBody) -> String {
    let description = marked_up(body.description.as_deref().unwrap_or_default());
    format!(
        "<h4>Body</h4>\n{description}{}",
        contents(body.content.iter())
    )
}

fn response_row(status: &str, response: &Response) -> String {
    let headers = response
        .headers
        .keys()
        .map(|name| format!("<code>{}</code>", escaped(name)));
    let headers = headers.collect::<Vec<_>>().join(" ");
    let told = format!(
        "{}{}<p>Headers: {headers}</p>",
        marked_up(&response.description),
        contents(response.content.iter()),
    );
    row(status, "", &told)
}

fn contents<'a>(contents: impl Iterator<Item = (&'a String, &'a RefOr<Content>)>) -> String {
    let told = contents.filter_map(|(media_type, content)| {
        let RefOr::T(content) = content else {
            return None;
        };
        let kind = content.schema.as_ref().map(kind).unwrap_or_default();
        let examples = content
            .examples
            .iter()
            .filter_map(|(name, example)| match example {
                RefOr::T(example) => Some(example_of(name, example.value.as_ref()?)),
                RefOr::Ref(_) => None,
            });
        let line = format!("<p><code>{}</code> {kind}</p>\n", escaped(media_type));
        Some(iter::once(line).chain(examples).collect::<String>())
    });
    told.collect()
}

fn example_of(name: &str, value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    format!(
        "<details><summary>Example: {}</summary><pre>{}</pre></details>\n",
        escaped(name),
        escaped(&text),
    )
}
