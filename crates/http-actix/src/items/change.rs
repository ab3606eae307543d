//! What a post does to one item, read field by field.

use convosync_domain::conversation::ConversationPatch;
use convosync_domain::fields::FieldReader as _;
use convosync_domain::message::{
    MessageFieldsPatch, MessageOutputPatch, MessageRequestPatch, MessageResponsePatch,
};
use convosync_domain::patch::{ExtraPatch, Patch};
use convosync_domain::posted::PostedChange;
use convosync_domain::timestamp::Timestamp;
use serde::de::MapAccess;

use crate::json::{JsonPath, Object, Problem, RawField, Reader};
use crate::settings::UnknownFields;

/// What is posted of an item as far as it has been read.
#[derive(Default)]
pub(crate) struct Change<P> {
    pub(crate) patch: P,
    updated_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
}

impl<P: FieldsPatch> Change<P> {
    /// Reads a field of the item that is neither its id nor an item of its own.
    pub(crate) fn read_field<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        key: &str,
        value: &'a str,
        path: &JsonPath<'_>,
    ) {
        let moment = |reader: &mut Reader<'a>| {
            let read = reader.field(value).optional_timestamp();
            reader.keep(read, value, &path.key(key)).flatten()
        };
        match key {
            "deleted_at" => self.deleted_at = moment(reader),
            // Null is as not sent, so that the patch may not see it.
            "updated_at" if value == "null" => {}
            "updated_at" => {
                self.updated_at = moment(reader);
                if self.updated_at.is_some() {
                    reader.read_into(&mut self.patch, key, value, path);
                }
            }
            _ => reader.read_into(&mut self.patch, key, value, path),
        }
    }

    pub(crate) fn finish(self) -> PostedChange<P> {
        self.finish_with(|patch| patch)
    }

    /// The change, with a patch that `complete` makes of the fields read here.
    pub(crate) fn finish_with<Q>(self, complete: impl FnOnce(P) -> Q) -> PostedChange<Q> {
        let Self {
            patch,
            updated_at,
            deleted_at,
        } = self;
        match deleted_at {
            Some(deleted_at) => PostedChange::Deletion {
                deleted_at,
                updated_at,
            },
            None => PostedChange::Fields {
                updated_at,
                patch: complete(patch),
            },
        }
    }
}

impl<'a> Reader<'a> {
    /// Reads a field into a patch, under its name or, where that is allowed, as an unknown one.
    pub(crate) fn read_into<P: FieldsPatch>(
        &mut self,
        patch: &mut P,
        key: &str,
        value: &'a str,
        path: &JsonPath<'_>,
    ) {
        let field = self.field(value);
        let unknown_fields = self.leniency.unknown_fields;
        let read = patch.read_field(key, field).and_then(|is_known| {
            if !is_known {
                if unknown_fields == UnknownFields::Reject {
                    return Err("unknown field".into());
                }
                let value = match field.json()? {
                    Patch::Value(value) => Some(value),
                    Patch::Null | Patch::NotSent => None,
                };
                patch.extra().insert(key.to_owned(), value);
            }
            Ok(())
        });
        if let Err(problem) = read {
            self.report(value, &path.key(key), problem);
        }
    }
}

/// What the patches of all objects have in common.
pub(crate) trait FieldsPatch: Default {
    fn read_field(&mut self, key: &str, field: RawField<'_>) -> Result<bool, Problem>;
    fn extra(&mut self) -> &mut ExtraPatch;
}

/// A patch has no field that is an item of its own.
impl<'a, P: FieldsPatch> Object<'a> for P {
    fn read_value<M: MapAccess<'a>>(
        &mut self,
        reader: &mut Reader<'a>,
        fields: &mut M,
        key: &str,
        path: &JsonPath<'_>,
    ) -> Result<(), M::Error> {
        let raw = reader.raw_value(fields)?;
        reader.read_into(self, key, raw, path);
        Ok(())
    }
}

macro_rules! fields_patch {
    ($($patch:ident),*) => {$(
        impl FieldsPatch for $patch {
            fn read_field(&mut self, key: &str, field: RawField<'_>) -> Result<bool, Problem> {
                self.read_field(key, field)
            }

            fn extra(&mut self) -> &mut ExtraPatch {
                &mut self.extra
            }
        }
    )*};
}

fields_patch!(
    ConversationPatch,
    MessageFieldsPatch,
    MessageRequestPatch,
    MessageResponsePatch,
    MessageOutputPatch
);
