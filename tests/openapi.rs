//! The OpenAPI document against the running server: its examples are sent, in the order of a visitor's life, and
//! whatever is answered is as the document says.

use std::fs;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use ureq::http::Request;

use crate::support::{Server, run};

const USER: &str = "ada";
/// What opens the metrics.
const TOKEN: &str = "a-token-of-some-length";

/// Every operation, in an order in which each finds what its examples name.
const LIFE: [&str; 20] = [
    "getRoot",
    "getLiveness",
    "getReadiness",
    "getVersion",
    "getMetrics",
    "getOpenApi",
    "getDocs",
    "registerVisitor",
    "sync",
    "listConversationIds",
    "pullChanges",
    "streamChanges",
    "listConversations",
    "getConversation",
    "mergeVisitor",
    "getVisitor",
    "exportVisitor",
    "deleteMessage",
    "deleteConversation",
    "eraseVisitor",
];

/// The document as a server serves it, and the server.
struct Api<'a> {
    server: &'a Server,
    document: Value,
}

/// An operation of the document.
#[derive(Clone, Copy, Debug)]
struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    described: &'a Value,
}

struct Answered {
    status: u16,
    content_type: String,
    body: String,
}

impl<'a> Api<'a> {
    fn of(server: &'a Server) -> Self {
        let document = server.get("/openapi.json");
        assert_eq!(document.status, 200);
        Self {
            server,
            document: serde_json::from_str(&document.text).unwrap(),
        }
    }

    fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let paths = self.document["paths"].as_object().unwrap().iter();
        paths.flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, described)| Operation {
                path,
                method,
                described,
            })
        })
    }

    fn operation(&self, id: &str) -> Operation<'_> {
        let found = self
            .operations()
            .find(|one| one.described["operationId"] == id);
        found.unwrap_or_else(|| panic!("no operation {id}"))
    }

    /// What a reference stands for, or the value itself.
    fn resolved<'b>(&'b self, value: &'b Value) -> &'b Value {
        match value["$ref"].as_str() {
            Some(place) => self
                .document
                .pointer(place.strip_prefix('#').unwrap())
                .unwrap(),
            None => value,
        }
    }

    fn validator(&self, schema: &Value) -> Validator {
        // References are to places of the document.
        let mut whole = self.document.clone();
        whole["allOf"] = json!([schema]);
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        options.should_validate_formats(true).build(&whole).unwrap()
    }

    /// The URL of an operation with what its parameters have as examples.
    fn example_url(&self, operation: Operation<'_>) -> String {
        let mut path = operation.path.to_owned();
        let mut query = Vec::new();
        for parameter in operation.described["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let parameter = self.resolved(parameter);
            let (name, Some(example)) = (
                parameter["name"].as_str().unwrap(),
                parameter["example"].as_str(),
            ) else {
                continue;
            };
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), example),
                Some("query") => query.push(format!("{name}={example}")),
                _ => {}
            }
        }
        assert!(!path.contains('{'), "{path}");
        format!("{}{path}?{}", self.server.url(), query.join("&"))
    }

    /// The bodies that an operation has as examples; one that takes none is sent once without.
    fn example_bodies(&self, operation: Operation<'_>) -> Vec<Option<Value>> {
        let Some(body) = operation.described.get("requestBody") else {
            return vec![None];
        };
        let examples = body["content"]["application/json"]["examples"]
            .as_object()
            .unwrap();
        examples
            .values()
            .map(|example| Some(example["value"].clone()))
            .collect()
    }

    fn send(&self, method: &str, url: &str, body: Option<&Value>) -> Answered {
        let request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(url);
        let request = request.header("Content-Type", "application/json");
        let request = match url.contains("/metrics") {
            true => request.header("Authorization", format!("Bearer {TOKEN}")),
            false => request,
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.allow_non_standard_methods(true).build().into();
        let mut response = match method {
            "get" | "delete" => agent.run(request.body(()).unwrap()),
            _ => agent.run(request.body(body).unwrap()),
        }
        .expect("an answer");
        let content_type = response.headers().get("Content-Type");
        let content_type = content_type
            .map(|kind| kind.to_str().unwrap().to_owned())
            .unwrap_or_default();
        // A stream of events has no end.
        let has_end = !content_type.starts_with("text/event-stream");
        let read = has_end.then(|| response.body_mut().read_to_string().unwrap());
        Answered {
            status: response.status().as_u16(),
            content_type,
            body: read.unwrap_or_default(),
        }
    }

    /// Whether the operation may answer so.
    fn check(&self, operation: Operation<'_>, answered: &Answered) {
        let Answered {
            status,
            content_type,
            body,
        } = answered;
        let told = format!("{} {}: {status} {body}", operation.method, operation.path);
        let response = &operation.described["responses"][status.to_string()];
        assert!(response.is_object(), "not described: {told}");
        let Some(contents) = response["content"].as_object() else {
            assert_eq!(body, "", "{told}");
            return;
        };
        let kind = content_type.split(';').next().unwrap();
        let content = contents
            .get(kind)
            .unwrap_or_else(|| panic!("{content_type} is not described: {told}"));
        if kind == "application/json" {
            let json: Value = serde_json::from_str(body).unwrap();
            let checked = self
                .validator(&content["schema"])
                .validate(&json)
                .map_err(|error| error.to_string());
            assert_eq!(checked, Ok(()), "{told}");
        }
    }
}

#[test]
fn examples_are_answered_as_described() {
    let server = Server::start_with(&[("CONVOSYNC__METRICS__TOKEN", TOKEN)]);
    let api = Api::of(&server);
    let mut all: Vec<_> = api
        .operations()
        .map(|one| one.described["operationId"].as_str().unwrap())
        .collect();
    let mut told = LIFE.to_vec();
    all.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, all, "LIFE has every operation");

    for id in LIFE {
        let operation = api.operation(id);
        let url = api.example_url(operation);
        for body in api.example_bodies(operation) {
            if id == "mergeVisitor" {
                // Whoever is merged has to be there.
                server.post("/api/visitors/", body.as_ref().unwrap());
            }
            let answered = api.send(operation.method, &url, body.as_ref());
            assert!(
                (200..300).contains(&answered.status),
                "{id}: {} {}",
                answered.status,
                answered.body
            );
            api.check(operation, &answered);
        }
    }
}

#[test]
fn what_is_refused_is_answered_as_described() {
    let server = Server::start();
    let api = Api::of(&server);
    server.post("/api/visitors/", &json!({"user_id": USER}));
    let sync = |query: &str, body: Value| ("sync", query.to_owned(), Some(body));
    let good = json!({"conversations": []});
    for ((id, query, body), status) in [
        (sync("", good.clone()), 404),
        (sync("user_id=nobody", good.clone()), 404),
        (sync("user_id=ada&anon_id=ada", good.clone()), 400),
        (sync("user_id=ada", json!([])), 400),
        (
            sync(
                "user_id=ada",
                json!({"conversations": [{"id": 5, "title": []}]}),
            ),
            400,
        ),
        (sync("user_id=ada&since=x", good.clone()), 400),
        (sync("user_id=ada&since=&limit=0", good), 400),
        (
            ("pullChanges", "user_id=ada&limit=1001".to_owned(), None),
            400,
        ),
        (("pullChanges", "user_id=ada&since=x".to_owned(), None), 400),
        (
            (
                "registerVisitor",
                String::new(),
                Some(json!({"user_id": 5})),
            ),
            400,
        ),
        (("pullChanges", "user_id=ada&wait=61".to_owned(), None), 400),
        (
            ("streamChanges", "user_id=ada&since=x".to_owned(), None),
            400,
        ),
        (
            ("listConversations", "user_id=ada&cursor=x".to_owned(), None),
            400,
        ),
        (("getVisitor", "user_id=nobody".to_owned(), None), 404),
        (
            (
                "mergeVisitor",
                "user_id=ada".to_owned(),
                Some(json!({"anon_id": "nobody"})),
            ),
            404,
        ),
        (("getVersion", "x".repeat(3_000), None), 414),
        (("getMetrics", String::new(), None), 404),
    ] {
        let operation = api.operation(id);
        let url = format!("{}{}?{query}", server.url(), operation.path);
        let answered = api.send(operation.method, &url, body.as_ref());
        assert_eq!(answered.status, status, "{id} {query}: {}", answered.body);
        api.check(operation, &answered);
    }
}

#[test]
fn the_document_is_public_and_the_same_everywhere() {
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = fs::read_to_string(committed).unwrap();
    let secret = "0123456789abcdef0123456789abcdef";
    let protected = [
        ("CONVOSYNC__AUTH__MODE", "protected"),
        ("CONVOSYNC__AUTH__JWT__SECRET", secret),
    ];
    for settings in [&[][..], &protected] {
        let server = Server::start_with(settings);
        assert!(server.get("/openapi.json").text == committed);
        for path in ["/openapi.json/", "/docs", "/docs/"] {
            assert_eq!(server.get(path).status, 200, "{path}");
        }
    }
    // The command needs no settings, so that broken ones are no obstacle.
    let folder = tempfile::TempDir::new().unwrap();
    for arguments in [&["openapi"][..], &["openapi", "--config", "missing.toml"]] {
        let printed = run(folder.path(), arguments);
        assert_eq!(printed.code, Some(0), "{printed:?}");
        assert!(printed.stdout == committed);
    }
}
