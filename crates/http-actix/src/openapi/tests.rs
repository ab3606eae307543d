use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::*;
use crate::error::ErrorCode;

const COPY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

fn json_document() -> Value {
    serde_json::from_str(&openapi("1.2.3")).unwrap()
}

/// A validator of what is at this place of the document.
fn validator(document: &Value, place: &str) -> Validator {
    let mut schema = document.clone();
    schema["$ref"] = json!(format!("#{place}"));
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// The operations as the document has them: path, method and operation.
fn described(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

#[test]
fn the_committed_copy_is_the_document() {
    let copy = std::fs::read_to_string(COPY).unwrap_or_default();
    assert!(
        copy == openapi(env!("CARGO_PKG_VERSION")),
        "docs/openapi.json is not what the code describes: `make openapi` renews it"
    );
}

#[test]
fn operations_have_names_of_their_own() {
    let names: Vec<_> = operations()
        .map(|(_, _, operation)| operation.id())
        .collect();
    let different: BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "{names:?}");
}

#[test]
fn every_route_is_in_the_document_and_nothing_else() {
    let document = json_document();
    let described: BTreeSet<_> = described(&document)
        .into_iter()
        .map(|(path, method, _)| (path.to_owned(), method.to_uppercase()))
        .collect();
    let served: BTreeSet<_> = routes::described()
        .map(|(path, method, _)| (path_of(path), method.to_string()))
        .collect();
    assert_eq!(described, served);
}

#[test]
fn every_error_code_is_some_operations() {
    let described: BTreeSet<_> = operations()
        .flat_map(|(_, _, operation)| operation.error_codes().clone())
        .collect();
    let all: BTreeSet<_> = ErrorCode::ALL.iter().copied().collect();
    let outside: BTreeSet<_> = errors::OF_NO_OPERATION.into();
    let missing: Vec<_> = all.difference(&described).collect();
    assert_eq!(missing, outside.iter().collect::<Vec<_>>());
}

#[test]
fn every_reference_leads_somewhere_and_everything_shared_is_used() {
    fn collect(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(place)) = object.get("$ref") {
                    found.insert(place.clone());
                }
                object.values().for_each(|value| collect(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let document = json_document();
    let mut used = BTreeSet::new();
    collect(&document, &mut used);
    let mut shared = BTreeSet::new();
    for kind in ["schemas", "parameters", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            shared.insert(format!("#/components/{kind}/{name}"));
        }
    }
    let differ: Vec<_> = used.symmetric_difference(&shared).collect();
    assert!(differ.is_empty(), "{differ:?}");
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = json_document();
    let mut checked = 0;
    for (path, method, operation) in described(&document) {
        let body = operation["requestBody"]["content"].as_object();
        let responses = operation["responses"].as_object().unwrap().values();
        let answers = responses.filter_map(|response| response["content"].as_object());
        for (_, content) in body.into_iter().chain(answers).flatten() {
            let Some(examples) = content["examples"].as_object() else {
                continue;
            };
            let place = content["schema"]["$ref"].as_str().unwrap();
            let validator = validator(&document, place.strip_prefix('#').unwrap());
            for (name, example) in examples {
                let checked_value = validator.validate(&example["value"]);
                assert!(
                    checked_value.is_ok(),
                    "{method} {path} {name}: {checked_value:?}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 5);
}

/// What a post takes, and what it does not.
#[test]
fn posted_values() {
    let document = json_document();
    let validator = validator(&document, "/components/schemas/PostedConversation");
    let conversation = |field: &str, value: Value| json!({"id": "a", field: value});
    let message = |field: &str, value: Value| json!({"id": "a", "messages": [{"message_id": "b", field: value}]});
    let request = |field: &str, value: Value| message("request", json!({field: value}));
    for taken in [
        json!({"id": "a"}),
        conversation("title", json!(null)),
        conversation("unknown", json!({"x": [1]})),
        conversation("local_only", json!(1)),
        conversation("created_at", json!("2025-07-27T12:34:56.123456789+02:00")),
        conversation("created_at", json!(1_753_620_000.25)),
        conversation("created_at", json!(1_753_620_000_250_i64)),
        conversation("deleted_at", json!(null)),
        conversation("messages", json!(null)),
        message("metadata", json!([null, 1, "x"])),
        message("request", json!(null)),
        request("id", json!("x")),
        request("id", json!(i64::MAX)),
        request("request_n", json!(40.0)),
    ] {
        assert!(validator.is_valid(&taken), "{taken}");
    }
    for refused in [
        json!([]),
        json!({}),
        json!({"id": null}),
        json!({"id": ""}),
        json!({"id": "x".repeat(129)}),
        json!({"id": "a\u{7}"}),
        conversation("title", json!(5)),
        conversation("local_only", json!(2)),
        conversation("local_only", json!("true")),
        conversation("created_at", json!(true)),
        conversation("created_at", json!("yesterday")),
        conversation("created_at", json!(1e300)),
        conversation("messages", json!({})),
        conversation("messages", json!([{}])),
        message("request", json!([])),
        request("id", json!(1.5)),
        request("request_n", json!(40.5)),
        request("request_n", json!(9_223_372_036_854_775_808_u64)),
        request("request_top_p", json!("1")),
    ] {
        assert!(!validator.is_valid(&refused), "{refused}");
    }
}

#[test]
fn a_declared_field_is_described_by_itself() {
    let document = json_document();
    let schemas = &document["components"]["schemas"];
    let fields: BTreeMap<_, _> = [
        (
            "Conversation",
            convosync_domain::conversation::Conversation::FIELDS,
        ),
        ("Message", convosync_domain::message::MessageFields::FIELDS),
        (
            "MessageRequest",
            convosync_domain::message::MessageRequest::FIELDS,
        ),
        (
            "MessageResponse",
            convosync_domain::message::MessageResponse::FIELDS,
        ),
        (
            "MessageOutput",
            convosync_domain::message::MessageOutput::FIELDS,
        ),
    ]
    .into();
    for (item, fields) in fields {
        for name in [item.to_owned(), format!("Posted{item}")] {
            for field in fields {
                let described = &schemas[&name]["properties"][field.name];
                assert_eq!(described["description"], field.description, "{name}");
            }
        }
    }
}
