//! Cursors of pages of conversations: where the next page of the list begins, and the next one of a conversation.

use convosync_domain::identity::{ConversationKey, MessageKey, VisitorId};
use convosync_domain::reading::{ListPlace, MessageOrder, MessagePlace};
use convosync_domain::timestamp::Timestamp;
use uuid::Uuid;

use super::InvalidCursor;
use super::sealed::{Rest, open, seal};

/// The first bytes, which tell the kinds of cursors apart, and their versions.
const LIST: u8 = 2;
const MESSAGES: u8 = 3;

/// A place in the list of a visitor's conversations in one life of a store: it is one by change number, which means
/// something else in another life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListCursor {
    /// The store's epoch.
    pub epoch: Uuid,
    /// The last conversation that was shown.
    pub place: ListPlace,
}

/// A place among the messages of one conversation in one order. It is one by their own moments and ids, so that it
/// means the same in another life of the store, and does not expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagesCursor {
    /// The last message that was shown.
    pub place: MessagePlace,
}

impl ListCursor {
    /// The text that stands for this place in the visitor's list, always the same one.
    #[must_use]
    pub fn encode(&self, visitor: VisitorId) -> String {
        let mut bytes = vec![LIST];
        bytes.extend(self.place.latest_change.to_be_bytes());
        bytes.extend(self.place.key.as_uuid().as_bytes());
        bytes.extend(self.epoch.as_bytes());
        seal(bytes, visitor.as_uuid().as_bytes())
    }

    /// Reads a cursor of this visitor's list.
    ///
    /// # Errors
    /// [`InvalidCursor`] when it is malformed, of something else or another visitor's.
    pub fn decode(text: &str, visitor: VisitorId) -> Result<Self, InvalidCursor> {
        let bytes = open(text, visitor.as_uuid().as_bytes())?;
        let mut rest = Rest::of(&bytes);
        let kind = rest.take()?;
        let place = ListPlace {
            latest_change: rest.number()?,
            key: ConversationKey::from_uuid(rest.uuid()?),
        };
        let epoch = rest.uuid()?;
        match kind == [LIST] && rest.is_empty() {
            true => Ok(Self { epoch, place }),
            false => Err(InvalidCursor),
        }
    }
}

impl MessagesCursor {
    /// The text that stands for this place in the visitor's conversation in this order, always the same one.
    #[must_use]
    pub fn encode(
        &self,
        visitor: VisitorId,
        conversation: ConversationKey,
        order: MessageOrder,
    ) -> String {
        let mut bytes = vec![MESSAGES];
        bytes.extend(self.place.key.as_uuid().as_bytes());
        if let Some(timestamp) = self.place.timestamp {
            bytes.extend(timestamp.as_micros().to_be_bytes());
        }
        seal(bytes, &scope(visitor, conversation, order))
    }

    /// Reads a cursor of this conversation in this order.
    ///
    /// # Errors
    /// [`InvalidCursor`] when it is malformed, of something else or another visitor's.
    pub fn decode(
        text: &str,
        visitor: VisitorId,
        conversation: ConversationKey,
        order: MessageOrder,
    ) -> Result<Self, InvalidCursor> {
        let bytes = open(text, &scope(visitor, conversation, order))?;
        let mut rest = Rest::of(&bytes);
        let kind = rest.take()?;
        let key = MessageKey::from_uuid(rest.uuid()?);
        let timestamp = match rest.is_empty() {
            true => None,
            false => Some(rest.timestamp()?),
        };
        match kind == [MESSAGES] && rest.is_empty() {
            true => Ok(Self {
                place: MessagePlace { timestamp, key },
            }),
            false => Err(InvalidCursor),
        }
    }
}

/// What a cursor of a conversation's messages is bound to.
pub(crate) fn scope(
    visitor: VisitorId,
    conversation: ConversationKey,
    order: MessageOrder,
) -> Vec<u8> {
    let order = match order {
        MessageOrder::OldestFirst => b"oldest",
        MessageOrder::NewestFirst => b"newest",
    };
    let (visitor, conversation) = (visitor.as_uuid(), conversation.as_uuid());
    [visitor.as_bytes(), conversation.as_bytes(), &order[..]].concat()
}

impl Rest<'_> {
    fn timestamp(&mut self) -> Result<Timestamp, InvalidCursor> {
        let micros = i64::from_be_bytes(self.take()?);
        Timestamp::from_micros(micros).or(Err(InvalidCursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Cursor;
    use convosync_domain::feed::FeedPosition;

    const ADA: VisitorId = VisitorId::from_uuid(Uuid::from_u128(1));
    const BOB: VisitorId = VisitorId::from_uuid(Uuid::from_u128(2));
    const OLDEST: MessageOrder = MessageOrder::OldestFirst;
    const NEWEST: MessageOrder = MessageOrder::NewestFirst;

    fn conversation(number: u128) -> ConversationKey {
        ConversationKey::from_uuid(Uuid::from_u128(number))
    }

    fn list_cursor() -> ListCursor {
        ListCursor {
            epoch: Uuid::from_u128(9),
            place: ListPlace {
                latest_change: u64::MAX,
                key: conversation(7),
            },
        }
    }

    fn messages_cursors() -> [MessagesCursor; 3] {
        let moments = [None, Some(i64::from(-1)), Some(1_753_620_000_000_001)];
        moments.map(|micros| MessagesCursor {
            place: MessagePlace {
                timestamp: micros.map(|micros| Timestamp::from_micros(micros).unwrap()),
                key: MessageKey::from_uuid(Uuid::from_u128(8)),
            },
        })
    }

    fn pull_cursor() -> String {
        let position = FeedPosition {
            since: 3,
            dead_left_out_through: None,
            last: None,
        };
        let epoch = Uuid::from_u128(9);
        Cursor { epoch, position }.encode(ADA)
    }

    fn is_opaque(text: &str) -> bool {
        let mut bytes = text.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte))
    }

    #[test]
    fn a_place_in_the_list_comes_back_to_its_visitor_alone() {
        let cursor = list_cursor();
        let text = cursor.encode(ADA);
        assert!(is_opaque(&text), "{text}");
        assert_eq!(ListCursor::decode(&text, ADA), Ok(cursor));
        assert_eq!(ListCursor::decode(&text, BOB), Err(InvalidCursor));
    }

    #[test]
    fn a_place_among_messages_comes_back_in_its_conversation_and_order_alone() {
        for cursor in messages_cursors() {
            let text = cursor.encode(ADA, conversation(1), OLDEST);
            assert!(is_opaque(&text), "{text}");
            let decode = |visitor, number, order| {
                MessagesCursor::decode(&text, visitor, conversation(number), order)
            };
            assert_eq!(decode(ADA, 1, OLDEST), Ok(cursor));
            for other in [
                decode(BOB, 1, OLDEST),
                decode(ADA, 2, OLDEST),
                decode(ADA, 1, NEWEST),
            ] {
                assert_eq!(other, Err(InvalidCursor));
            }
        }
    }

    #[test]
    fn a_cursor_of_one_kind_is_none_of_another() {
        let list = list_cursor().encode(ADA);
        assert_eq!(Cursor::decode(&list, ADA), Err(InvalidCursor));
        assert_eq!(ListCursor::decode(&pull_cursor(), ADA), Err(InvalidCursor));
        for cursor in messages_cursors() {
            let text = cursor.encode(ADA, conversation(1), OLDEST);
            assert_eq!(ListCursor::decode(&text, ADA), Err(InvalidCursor));
            assert_eq!(Cursor::decode(&text, ADA), Err(InvalidCursor));
        }
        for text in [list, pull_cursor()] {
            let decoded = MessagesCursor::decode(&text, ADA, conversation(1), OLDEST);
            assert_eq!(decoded, Err(InvalidCursor));
        }
    }

    /// The check value is no secret, so that what it covers is judged, too.
    #[test]
    fn what_is_sealed_but_no_place_is_invalid() {
        let visitor = ADA.as_uuid();
        let whole = [&[LIST][..], &[0; 40]].concat();
        let is_list = |bytes: &[u8]| {
            ListCursor::decode(&seal(bytes.to_vec(), visitor.as_bytes()), ADA).is_ok()
        };
        assert!(is_list(&whole));
        let longer = [&whole[..], &[0]].concat();
        for other in [
            &[][..],
            &whole[..40],
            &longer,
            &[&[9][..], &[0; 40]].concat(),
        ] {
            assert!(!is_list(other), "{other:?}");
        }

        let scope = scope(ADA, conversation(1), OLDEST);
        let is_of_messages = |bytes: &[u8]| {
            let text = seal(bytes.to_vec(), &scope);
            MessagesCursor::decode(&text, ADA, conversation(1), OLDEST).is_ok()
        };
        let (undated, dated) = (&[&[MESSAGES][..], &[0; 16]].concat(), &[0; 8][..]);
        assert!(is_of_messages(undated));
        assert!(is_of_messages(&[undated, dated].concat()));
        let late = i64::MAX.to_be_bytes();
        for other in [&[][..], &[0], &dated[1..], &[0; 9], &late] {
            let bytes = [undated, other].concat();
            assert_eq!(is_of_messages(&bytes), other.is_empty(), "{other:?}");
        }
        assert!(!is_of_messages(&[&[LIST][..], &[0; 16]].concat()));
    }
}
