//! Schemas as HTML.

use utoipa::openapi::schema::{ArrayItems, SchemaType};
use utoipa::openapi::{Object, OpenApi, Ref, RefOr, Schema, SchemaFormat, Type};

use super::row;
use super::text::{escaped, marked_up};

/// A section for each shared schema.
pub(super) fn sections(document: &OpenApi) -> String {
    let components = document.components.iter();
    let schemas = components.flat_map(|components| &components.schemas);
    let sections = schemas.map(|(name, schema)| {
        format!(
            "<section id=\"schema-{0}\">\n<h3>{0}</h3>\n{1}</section>\n",
            escaped(name),
            fields(schema)
        )
    });
    sections.collect()
}

/// What a schema says of itself, and its fields.
fn fields(schema: &RefOr<Schema>) -> String {
    let RefOr::T(Schema::Object(object)) = schema else {
        return format!("<p>{}</p>\n", kind(schema));
    };
    let description = marked_up(object.description.as_deref().unwrap_or_default());
    let rows = object.properties.iter().map(|(name, schema)| {
        let is_required = object.required.contains(name);
        let description = marked_up(description_of(schema));
        row(
            name,
            if is_required { "always" } else { "" },
            &format!("{}{description}", kind(schema)),
        )
    });
    format!(
        "{description}<table>\n{}</table>\n",
        rows.collect::<String>()
    )
}

/// What a value may be, in a few words.
pub(super) fn kind(schema: &RefOr<Schema>) -> String {
    let schema = match schema {
        RefOr::Ref(Ref { ref_location, .. }) => return link(ref_location),
        RefOr::T(schema) => schema,
    };
    match schema {
        Schema::Array(array) => {
            let items = match &array.items {
                ArrayItems::RefOrSchema(items) => kind(items),
                ArrayItems::False => String::new(),
            };
            format!("array of {items}")
        }
        Schema::Object(object) => of_object(object),
        Schema::AnyOf(any) => joined(&any.items, " or "),
        Schema::OneOf(one) => joined(&one.items, " or "),
        Schema::AllOf(all) => joined(&all.items, " with "),
        _ => String::new(),
    }
}

fn link(location: &str) -> String {
    let name = location.rsplit_once('/').map_or(location, |(_, name)| name);
    format!("<a href=\"#schema-{0}\">{0}</a>", escaped(name))
}

fn joined(schemas: &[RefOr<Schema>], word: &str) -> String {
    let kinds = schemas.iter().map(kind).filter(|kind| !kind.is_empty());
    kinds.collect::<Vec<_>>().join(word)
}

fn of_object(object: &Object) -> String {
    if let Some(values) = &object.enum_values {
        let values = values
            .iter()
            .map(|value| format!("<code>{}</code>", escaped(&value.to_string())));
        return values.collect::<Vec<_>>().join(" ");
    }
    let types = match &object.schema_type {
        SchemaType::Type(kind) => vec![name_of(kind)],
        SchemaType::Array(kinds) => kinds.iter().map(name_of).collect(),
        SchemaType::AnyValue => vec!["any value"],
    };
    let types = types.join(" or ");
    match &object.format {
        Some(SchemaFormat::KnownFormat(format)) => {
            let format = serde_json::to_value(format).ok();
            let format = format
                .as_ref()
                .and_then(|format| format.as_str())
                .unwrap_or_default();
            format!("{types} ({})", escaped(format))
        }
        _ => types,
    }
}

fn name_of(kind: &Type) -> &'static str {
    match kind {
        Type::Object => "object",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
        Type::Array => "array",
        Type::Null => "null",
    }
}

fn description_of(schema: &RefOr<Schema>) -> &str {
    let description = match schema {
        RefOr::T(Schema::Object(object)) => object.description.as_ref(),
        RefOr::T(Schema::Array(array)) => array.description.as_ref(),
        RefOr::T(Schema::AnyOf(any)) => any.description.as_ref(),
        _ => None,
    };
    description.map(String::as_str).unwrap_or_default()
}
