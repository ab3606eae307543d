use std::collections::HashSet;

use super::*;
use crate::conversation::{Conversation, ConversationPatch};
use crate::message::{
    MessageFields, MessageFieldsPatch, MessageOutput, MessageOutputPatch, MessageRequest,
    MessageRequestPatch, MessageResponse, MessageResponsePatch,
};

/// Reads no value, and tells as its error what it was asked for.
struct Asked;

macro_rules! tell {
    ($( $read:ident: $type:ty = $kind:ident, )*) => {
        impl FieldReader for Asked {
            type Error = FieldKind;

            $( fn $read(self) -> Result<Patch<$type>, FieldKind> {
                Err(FieldKind::$kind)
            } )*
        }
    };
}

tell! {
    text: String = Text,
    integer: i64 = Integer,
    number: f64 = Number,
    boolean: bool = Boolean,
    timestamp: Timestamp = Timestamp,
    json: JsonValue = Json,
    part_id: PartId = PartId,
}

macro_rules! every_item {
    ($check:ident) => {
        $check!(Conversation, ConversationPatch);
        $check!(MessageFields, MessageFieldsPatch);
        $check!(MessageRequest, MessageRequestPatch);
        $check!(MessageResponse, MessageResponsePatch);
        $check!(MessageOutput, MessageOutputPatch);
    };
}

#[test]
fn a_field_is_read_as_what_it_is_said_to_hold() {
    macro_rules! check {
        ($item:ident, $patch:ident) => {
            for field in $item::FIELDS {
                let read = $patch::default().read_field(field.name, Asked);
                assert_eq!(read, Err(field.kind), "{}", field.name);
            }
        };
    }
    every_item!(check);
}

#[test]
fn every_field_has_a_name_of_its_own_and_a_sentence() {
    macro_rules! check {
        ($item:ident, $patch:ident) => {
            let names: HashSet<_> = $item::FIELDS.iter().map(|field| field.name).collect();
            assert_eq!(names.len(), $item::FIELDS.len());
            for field in $item::FIELDS {
                let text = field.description;
                assert!(text.ends_with('.') && text.trim() == text, "{field:?}");
            }
        };
    }
    every_item!(check);
}

#[test]
fn the_comment_of_a_field_describes_it() {
    assert_eq!(
        Conversation::FIELDS.first(),
        Some(&FieldInfo {
            name: "title",
            kind: FieldKind::Text,
            description: "The title that the person sees.",
        })
    );
}
