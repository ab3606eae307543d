//! Cursors: how far a device has pulled, as an opaque text; [`pages`] has those of whoever looks at conversations.
//!
//! A cursor is `sealed`: a version byte, the position and the store's epoch, bound to the visitor.

pub mod pages;
mod sealed;

use convosync_domain::feed::{FeedPlace, FeedPosition};
use convosync_domain::identity::{ConversationKey, MessageKey, VisitorId};
use uuid::Uuid;

use sealed::Rest;
#[cfg(feature = "fuzzing")]
pub(crate) use sealed::seal as sealed_for;

/// The first byte tells the kinds of cursors apart, and their versions.
const VERSION: u8 = 1;

const HAS_DEAD_LEFT_OUT: u8 = 1;
const HAS_LAST: u8 = 2;
const HAS_LAST_MESSAGE: u8 = 4;

/// A position in the changes of one visitor in one life of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The store's epoch.
    pub epoch: Uuid,
    /// How far the device has pulled.
    pub position: FeedPosition,
}

/// A text that is no cursor of this visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid cursor")]
pub struct InvalidCursor;

impl Cursor {
    /// The text that stands for this position of the visitor, always the same one.
    #[must_use]
    pub fn encode(&self, visitor: VisitorId) -> String {
        let FeedPosition {
            since,
            dead_left_out_through,
            last,
        } = self.position;
        let message = last.and_then(|last| last.message);
        let mut flags = 0;
        let mut bytes = Vec::with_capacity(96);
        bytes.extend(since.to_be_bytes());
        if let Some(through) = dead_left_out_through {
            flags |= HAS_DEAD_LEFT_OUT;
            bytes.extend(through.to_be_bytes());
        }
        if let Some(last) = last {
            flags |= HAS_LAST;
            bytes.extend(last.latest_change.to_be_bytes());
            bytes.extend(last.conversation.as_uuid().as_bytes());
        }
        if let Some((change_number, id)) = message {
            flags |= HAS_LAST_MESSAGE;
            bytes.extend(change_number.to_be_bytes());
            bytes.extend(id.as_uuid().as_bytes());
        }
        bytes.splice(0..0, [VERSION, flags]);
        bytes.extend(self.epoch.as_bytes());
        sealed::seal(bytes, visitor.as_uuid().as_bytes())
    }

    /// Reads a cursor of this visitor.
    ///
    /// # Errors
    /// [`InvalidCursor`] when it is malformed or another visitor's.
    pub fn decode(text: &str, visitor: VisitorId) -> Result<Self, InvalidCursor> {
        let bytes = sealed::open(text, visitor.as_uuid().as_bytes())?;
        let mut rest = Rest::of(&bytes);
        let [version, flags] = rest.take()?;
        let since = rest.number()?;
        let has = |flag| flags & flag != 0;
        let dead_left_out_through = has(HAS_DEAD_LEFT_OUT).then(|| rest.number()).transpose()?;
        let last = has(HAS_LAST)
            .then(|| rest.place(has(HAS_LAST_MESSAGE)))
            .transpose()?;
        let epoch = rest.uuid()?;
        if version != VERSION || !rest.is_empty() {
            return Err(InvalidCursor);
        }
        let position = FeedPosition {
            since,
            dead_left_out_through,
            last,
        };
        Ok(Self { epoch, position })
    }
}

impl Rest<'_> {
    fn place(&mut self, has_message: bool) -> Result<FeedPlace, InvalidCursor> {
        Ok(FeedPlace {
            latest_change: self.number()?,
            conversation: ConversationKey::from_uuid(self.uuid()?),
            message: if has_message {
                Some((self.number()?, MessageKey::from_uuid(self.uuid()?)))
            } else {
                None
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(number: u128) -> VisitorId {
        VisitorId::from_uuid(Uuid::from_u128(number))
    }

    fn cursors() -> impl Iterator<Item = Cursor> {
        let message = Some((3, MessageKey::from_uuid(Uuid::from_u128(4))));
        let place = |message| {
            let conversation = ConversationKey::from_uuid(Uuid::from_u128(2));
            Some(FeedPlace {
                latest_change: 9,
                conversation,
                message,
            })
        };
        [None, place(None), place(message)]
            .into_iter()
            .flat_map(|last| {
                [None, Some(7)].map(|dead_left_out_through| Cursor {
                    epoch: Uuid::from_u128(1),
                    position: FeedPosition {
                        since: u64::MAX,
                        dead_left_out_through,
                        last,
                    },
                })
            })
    }

    #[test]
    fn comes_back_as_it_was() {
        for cursor in cursors() {
            let text = cursor.encode(visitor(1));
            assert!(
                text.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte))
            );
            assert_eq!(text, cursor.encode(visitor(1)));
            assert_eq!(Cursor::decode(&text, visitor(1)), Ok(cursor));
        }
    }

    #[test]
    fn of_another_visitor_it_is_invalid() {
        for cursor in cursors() {
            let text = cursor.encode(visitor(1));
            assert_eq!(Cursor::decode(&text, visitor(2)), Err(InvalidCursor));
        }
    }

    #[test]
    fn any_other_text_is_invalid() {
        for cursor in cursors() {
            let text = cursor.encode(visitor(1));
            for (at, _) in text.char_indices() {
                let mut forged = text.clone();
                let other = if forged.get(at..=at) == Some("A") {
                    "B"
                } else {
                    "A"
                };
                forged.replace_range(at..=at, other);
                assert_eq!(
                    Cursor::decode(&forged, visitor(1)),
                    Err(InvalidCursor),
                    "{forged}"
                );
                assert_eq!(Cursor::decode(&text[..at], visitor(1)), Err(InvalidCursor));
            }
            for other in [
                format!("{text}="),
                format!("{text}AAAA"),
                format!(" {text}"),
            ] {
                assert_eq!(Cursor::decode(&other, visitor(1)), Err(InvalidCursor));
            }
        }
    }
}
