//! Words for schemas, where the library's own would be many.

use utoipa::openapi::schema::{AnyOfBuilder, SchemaType};
use utoipa::openapi::{
    Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
};

/// RFC 3339.
pub(crate) const DATE_TIME: SchemaFormat = SchemaFormat::KnownFormat(KnownFormat::DateTime);

/// A schema with the name by which others refer to it.
#[derive(Clone)]
pub(crate) struct NamedSchema {
    pub(crate) name: &'static str,
    pub(crate) schema: RefOr<Schema>,
}

impl NamedSchema {
    pub(crate) fn new(name: &'static str, schema: impl Into<RefOr<Schema>>) -> Self {
        Self {
            name,
            schema: schema.into(),
        }
    }
}

/// The shared schema of this name.
pub(crate) fn shared(name: &str) -> Ref {
    Ref::from_schema_name(name)
}

pub(crate) fn of_type(kind: impl Into<SchemaType>) -> ObjectBuilder {
    Object::builder().schema_type(kind)
}

/// An object whose fields are still to be named.
pub(crate) fn object(description: &str) -> ObjectBuilder {
    of_type(Type::Object).description(Some(description))
}

pub(crate) fn text(description: &str) -> ObjectBuilder {
    of_type(Type::String).description(Some(description))
}

/// How many of something there are.
pub(crate) fn count(description: &str) -> ObjectBuilder {
    let count = of_type(Type::Integer).minimum(Some(0));
    count.description(Some(description))
}

pub(crate) fn boolean(description: &str) -> ObjectBuilder {
    of_type(Type::Boolean).description(Some(description))
}

/// A moment as answers hold it.
pub(crate) fn moment(description: &str) -> ObjectBuilder {
    text(description).format(Some(DATE_TIME))
}

pub(crate) fn array(description: &str, items: impl Into<RefOr<Schema>>) -> ArrayBuilder {
    let items: RefOr<Schema> = items.into();
    Array::builder().items(items).description(Some(description))
}

/// One of several.
pub(crate) fn any_of(
    description: &str,
    schemas: impl IntoIterator<Item = RefOr<Schema>>,
) -> AnyOfBuilder {
    let any = AnyOfBuilder::new().description(Some(description));
    schemas.into_iter().fold(any, AnyOfBuilder::item)
}

/// Null and nothing else.
pub(crate) fn null() -> RefOr<Schema> {
    of_type(Type::Null).into()
}

/// Where the next page begins.
pub(crate) fn next_cursor() -> AnyOfBuilder {
    any_of(
        "The `cursor` of the next page, null where this is the last one.",
        [of_type(Type::String).into(), null()],
    )
}

/// Fields that are always there.
pub(crate) trait Has: Sized {
    /// With a field that is always there.
    fn has(self, name: &str, schema: impl Into<RefOr<Schema>>) -> Self;
}

impl Has for ObjectBuilder {
    fn has(self, name: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.property(name, schema).required(name)
    }
}
