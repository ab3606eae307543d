//! What of this crate is fuzzed. Behind the feature `fuzzing`; nothing else should need it.

use convosync_domain::identity::{ConversationKey, VisitorId};
use convosync_domain::reading::MessageOrder;
use uuid::Uuid;

use crate::cursor::{Cursor, pages, sealed_for};

/// Reads these bytes as a cursor of each kind, and as what a cursor of each kind stands for.
///
/// # Panics
/// Where one of them does not come back from what it is written as.
pub fn read_cursor(bytes: &[u8]) {
    let visitor = VisitorId::from_uuid(Uuid::from_u128(1));
    let conversation = ConversationKey::from_uuid(Uuid::from_u128(2));
    let order = MessageOrder::OldestFirst;
    let own = visitor.as_uuid().as_bytes().to_vec();
    let of_messages = pages::scope(visitor, conversation, order);
    let sealed = [own, of_messages].map(|bound_to| sealed_for(bytes.to_vec(), &bound_to));
    let as_it_is = str::from_utf8(bytes).ok();
    for text in sealed.iter().map(String::as_str).chain(as_it_is) {
        if let Ok(cursor) = Cursor::decode(text, visitor) {
            assert_eq!(Cursor::decode(&cursor.encode(visitor), visitor), Ok(cursor));
        }
        if let Ok(cursor) = pages::ListCursor::decode(text, visitor) {
            assert_eq!(cursor.encode(visitor), text);
        }
        if let Ok(cursor) = pages::MessagesCursor::decode(text, visitor, conversation, order) {
            assert_eq!(cursor.encode(visitor, conversation, order), text);
        }
    }
}
