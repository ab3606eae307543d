//! The bodies that name a visitor.

use std::fmt;

use convosync_domain::fields::FieldReader as _;
use convosync_domain::identity::{InvalidIdentity, VisitorIdentity};
use convosync_domain::json::JsonValue;
use convosync_domain::patch::Patch;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::body::{Body, begins_object, check_json, not_json};
use crate::json::{
    JsonPath, Leniency, ObjectWriter, Problem, RawField, Reader, Refusal, Violation, push_string,
};

/// Whom to register, `None` for a new anonymous visitor. Reads `{}`, `{"anon_id": "…"}` or `{"user_id": "…"}`; other keys are checked and ignored.
pub(crate) fn read_visitor_request(body: &Body) -> Result<Option<VisitorIdentity>, Refusal> {
    let text = body.text();
    check_json(text).map_err(|error| not_json(&error))?;
    if !begins_object(text) {
        let violation = Violation::of_body("must be an object");
        return Err(Refusal::Invalid(vec![violation]));
    }
    let mut reader = Reader::new(text, body.limits(), Leniency::STRICT);
    let mut named = Vec::new();
    let visitor = RequestVisitor {
        reader: &mut reader,
        named: &mut named,
    };
    if let Err(error) = serde_json::Deserializer::from_str(text).deserialize_map(visitor) {
        return Err(not_json(&error));
    }
    if reader.has_violations() {
        return Err(Refusal::Invalid(reader.into_violations(Vec::new())));
    }
    Ok(named.pop())
}

/// Which anonymous visitor to merge. Reads `{"anon_id": "…"}`, as a registration does.
pub(crate) fn read_merge_request(body: &Body) -> Result<VisitorIdentity, Refusal> {
    let (name, message) = match read_visitor_request(body)? {
        Some(identity @ VisitorIdentity::Anonymous(_)) => return Ok(identity),
        Some(VisitorIdentity::Registered(_)) => {
            ("user_id", "give anon_id: the user is named in the URL")
        }
        None => ("anon_id", "must be a string"),
    };
    let path = JsonPath::Document.key(name);
    let violation = Violation::new(0, &path, message.into());
    Err(Refusal::Invalid(vec![violation]))
}

struct RequestVisitor<'r, 'a> {
    reader: &'r mut Reader<'a>,
    named: &'r mut Vec<VisitorIdentity>,
}

impl<'a> Visitor<'a> for RequestVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut fields: M) -> Result<(), M::Error> {
        let Self { reader, named } = self;
        let document = JsonPath::Document;
        reader.walk(&mut fields, &document, |reader, fields, key| {
            let raw = reader.raw_value(fields)?;
            let field = reader.field(raw);
            let path = document.key(key);
            let read = match key {
                "anon_id" => read_identity(field, VisitorIdentity::anonymous).map(Some),
                "user_id" => read_identity(field, VisitorIdentity::registered).map(Some),
                _ => JsonValue::parse(raw).map(|_| None).map_err(Problem::from),
            };
            if let Some(identity) = reader.keep(read, raw, &path).flatten() {
                if named.is_empty() {
                    named.push(identity);
                } else {
                    reader.report(raw, &path, "give anon_id or user_id, not both");
                }
            }
            Ok(())
        })
    }
}

fn read_identity(
    field: RawField<'_>,
    identity: fn(String) -> Result<VisitorIdentity, InvalidIdentity>,
) -> Result<VisitorIdentity, Problem> {
    match field.text()? {
        Patch::Value(text) => identity(text).or(Err(
            "must be 1 to 255 characters with no control character".into(),
        )),
        Patch::Null | Patch::NotSent => Err("must be a string".into()),
    }
}

/// `{"anon_id": "…"}` or `{"user_id": "…"}`
pub(crate) fn write_identity(identity: &VisitorIdentity) -> Vec<u8> {
    let (name, text) = match identity {
        VisitorIdentity::Anonymous(text) => ("anon_id", text),
        VisitorIdentity::Registered(text) => ("user_id", text),
    };
    let mut out = Vec::with_capacity(64);
    let mut answer = ObjectWriter::new(&mut out);
    push_string(answer.key(name), text);
    answer.end();
    out
}
