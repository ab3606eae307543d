//! One declaration for the fields of an item: its struct, its patch, how both merge, how a
//! transport reads and writes them by name and how it describes them. A field that is added there is
//! known everywhere.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::json::JsonValue;
use crate::patch::Patch;
use crate::timestamp::Timestamp;

/// The `id` that a device gave to a request, response or output. Two devices both send 1, so it is
/// data and never a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartId {
    /// An integer.
    Number(i64),
    /// Any other name; never empty, since `""` means absent.
    Text(String),
}

/// Reads one field of what a client sent; each transport has its own leniency.
///
/// # Errors
/// Every method fails when the field holds anything else, or what no store could hold.
pub trait FieldReader {
    /// What is wrong with a field.
    type Error;

    /// Reads a text.
    fn text(self) -> Result<Patch<String>, Self::Error>;
    /// Reads a 64-bit integer.
    fn integer(self) -> Result<Patch<i64>, Self::Error>;
    /// Reads a finite number.
    fn number(self) -> Result<Patch<f64>, Self::Error>;
    /// Reads a boolean.
    fn boolean(self) -> Result<Patch<bool>, Self::Error>;
    /// Reads a moment.
    fn timestamp(self) -> Result<Patch<Timestamp>, Self::Error>;
    /// Reads any JSON value; null is [`Patch::Null`].
    fn json(self) -> Result<Patch<JsonValue>, Self::Error>;
    /// Reads the id of a part.
    fn part_id(self) -> Result<Patch<PartId>, Self::Error>;
}

/// The value of one field, for a transport to write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldRef<'a> {
    /// A text.
    Text(&'a str),
    /// A 64-bit integer.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// A boolean.
    Boolean(bool),
    /// A moment.
    Timestamp(Timestamp),
    /// Any JSON value but null.
    Json(&'a JsonValue),
    /// The id of a part.
    PartId(&'a PartId),
}

impl FieldRef<'_> {
    /// About how many bytes the value has.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::PartId(PartId::Text(text)) => text.len(),
            Self::Json(json) => json.as_str().len(),
            _ => 8,
        }
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A finite number.
    Number,
    /// A boolean.
    Boolean,
    /// A moment.
    Timestamp,
    /// Any JSON value but null.
    Json,
    /// The id of a part.
    PartId,
}

/// A declared field, for whoever describes the items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// What it is for, in a sentence.
    pub description: &'static str,
}

/// A type that a field can have.
pub trait FieldType: Clone + fmt::Debug + PartialEq {
    /// What a field of this type holds.
    const KIND: FieldKind;

    /// Reads a field of this type.
    ///
    /// # Errors
    /// The reader's error when the field holds anything else.
    fn read<R: FieldReader>(reader: R) -> Result<Patch<Self>, R::Error>;

    /// The value, for a transport to write.
    fn as_field(&self) -> FieldRef<'_>;
}

macro_rules! field_type {
    ($type:ty, $kind:ident, $read:ident, $value:ident => $field:expr) => {
        impl FieldType for $type {
            const KIND: FieldKind = FieldKind::$kind;

            fn read<R: FieldReader>(reader: R) -> Result<Patch<Self>, R::Error> {
                reader.$read()
            }

            fn as_field(&self) -> FieldRef<'_> {
                let $value = self;
                $field
            }
        }
    };
}

field_type!(String, Text, text, text => FieldRef::Text(text));
field_type!(i64, Integer, integer, integer => FieldRef::Integer(*integer));
field_type!(f64, Number, number, number => FieldRef::Number(*number));
field_type!(bool, Boolean, boolean, boolean => FieldRef::Boolean(*boolean));
field_type!(Timestamp, Timestamp, timestamp, moment => FieldRef::Timestamp(*moment));
field_type!(JsonValue, Json, json, value => FieldRef::Json(value));
field_type!(PartId, PartId, part_id, id => FieldRef::PartId(id));

/// Declares the fields of an item: a struct of what is stored, every field optional, and a struct
/// of what a post says about them. Both have `extra` for the fields that are not declared. The comment
/// of a field describes it to clients, too.
macro_rules! declare_fields {
    (
        $(#[$doc:meta])* $name:ident,
        $(#[$patch_doc:meta])* $patch:ident {
            $( $(#[doc = $field_doc:literal])* $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[doc = $field_doc])* pub $field: Option<$type>, )*
            /// The fields that Convosync does not know.
            pub extra: $crate::patch::Extra,
        }

        $(#[$patch_doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $patch {
            $( $(#[doc = $field_doc])* pub $field: $crate::patch::Patch<$type>, )*
            /// The fields that Convosync does not know.
            pub extra: $crate::patch::ExtraPatch,
        }

        impl $name {
            /// The declared fields, in the order of declaration.
            pub const FIELDS: &'static [$crate::fields::FieldInfo] = &[ $(
                $crate::fields::FieldInfo {
                    name: stringify!($field),
                    kind: <$type as $crate::fields::FieldType>::KIND,
                    description: concat!($($field_doc),*).trim_ascii(),
                },
            )* ];

            /// What a post creates that names these fields.
            #[must_use]
            pub fn created_from(patch: $patch) -> Self {
                let mut created = Self::default();
                created.merge(patch, $crate::patch::Precedence::Newer);
                created
            }

            /// Merges a post by the merge rule and tells whether anything changed.
            pub fn merge(
                &mut self,
                patch: $patch,
                precedence: $crate::patch::Precedence,
            ) -> bool {
                let mut changed =
                    $crate::patch::merge_extra(&mut self.extra, patch.extra, precedence);
                $( changed |= patch.$field.merge_into(&mut self.$field, precedence); )*
                changed
            }

            /// Whether the post would change anything if it were newer.
            #[must_use]
            pub fn would_change(&self, patch: &$patch) -> bool {
                $( patch.$field.would_change(self.$field.as_ref()) || )*
                $crate::patch::extra_would_change(&self.extra, &patch.extra)
            }

            /// Whether the post names every field that has a value.
            #[must_use]
            pub fn is_named_by(&self, patch: &$patch) -> bool {
                $( (self.$field.is_none() || patch.$field != $crate::patch::Patch::NotSent) && )*
                self.extra.keys().all(|name| patch.extra.contains_key(name))
            }

            /// The declared fields that have a value, by name, in the order of declaration.
            pub fn fields(
                &self,
            ) -> impl Iterator<Item = (&'static str, $crate::fields::FieldRef<'_>)> {
                [ $( (
                    stringify!($field),
                    self.$field.as_ref().map($crate::fields::FieldType::as_field),
                ), )* ]
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
            }
        }

        impl $name {
            /// About how many bytes the fields have, unknown ones included.
            #[must_use]
            pub fn content_bytes(&self) -> usize {
                let known = self.fields().map(|(name, value)| name.len() + value.bytes());
                let unknown = self.extra.iter();
                let unknown = unknown.map(|(name, value)| name.len() + value.as_str().len());
                known.chain(unknown).sum()
            }
        }

        impl From<$name> for $patch {
            /// What a post says that names every field which has a value.
            fn from(content: $name) -> Self {
                let extra = content.extra.into_iter();
                Self {
                    $( $field: content
                        .$field
                        .map_or($crate::patch::Patch::NotSent, $crate::patch::Patch::Value), )*
                    extra: extra.map(|(name, value)| (name, Some(value))).collect(),
                }
            }
        }

        impl $patch {
            /// Reads the declared field of this name; `Ok(false)` when there is none.
            ///
            /// # Errors
            /// The reader's error when the field does not hold what it should.
            pub fn read_field<R: $crate::fields::FieldReader>(
                &mut self,
                name: &str,
                reader: R,
            ) -> Result<bool, R::Error> {
                match name {
                    $( stringify!($field) => {
                        self.$field = $crate::fields::FieldType::read(reader)?;
                    } )*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    };
}

pub(crate) use declare_fields;
