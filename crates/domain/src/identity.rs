//! Who owns conversations, and how conversations and messages are named.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The longest identity, in characters.
pub const IDENTITY_MAX_CHARACTERS: usize = 255;

/// The one name a visitor goes by: what a client puts in the URL.
///
/// Whoever knows an `anon_id` is that visitor, so an identity never shows in `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum VisitorIdentity {
    /// An unregistered visitor, `?anon_id=`.
    Anonymous(String),
    /// A registered visitor, `?user_id=`.
    Registered(String),
}

/// A text that cannot be an identity: empty, over [`IDENTITY_MAX_CHARACTERS`], or with a control
/// character in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identity is 1 to 255 characters with no control character")]
pub struct InvalidIdentity;

impl VisitorIdentity {
    /// The visitor who knows this `anon_id`.
    ///
    /// # Errors
    /// [`InvalidIdentity`] when the text cannot be an identity.
    pub fn anonymous(anon_id: impl Into<String>) -> Result<Self, InvalidIdentity> {
        checked(anon_id.into()).map(Self::Anonymous)
    }

    /// The visitor registered under this `user_id`.
    ///
    /// # Errors
    /// [`InvalidIdentity`] when the text cannot be an identity.
    pub fn registered(user_id: impl Into<String>) -> Result<Self, InvalidIdentity> {
        checked(user_id.into()).map(Self::Registered)
    }

    /// The `user_id` of a registered visitor, which stores may keep; an `anon_id` they may not.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::Anonymous(_) => None,
            Self::Registered(user_id) => Some(user_id),
        }
    }
}

impl fmt::Debug for VisitorIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous(_) => "Anonymous(..)",
            Self::Registered(_) => "Registered(..)",
        })
    }
}

fn checked(text: String) -> Result<String, InvalidIdentity> {
    if is_name(&text, IDENTITY_MAX_CHARACTERS) {
        Ok(text)
    } else {
        Err(InvalidIdentity)
    }
}

/// A visitor at rest: a version 8 UUID made of the first 16 bytes of SHA-256 over the kind and the
/// identity. Every stored key starts with it, and it opens nothing: no identity follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VisitorId(Uuid);

impl VisitorId {
    /// The visitor that a store knows by this UUID.
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID a store knows the visitor by.
    #[must_use]
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<&VisitorIdentity> for VisitorId {
    fn from(identity: &VisitorIdentity) -> Self {
        let (kind, text) = match identity {
            VisitorIdentity::Anonymous(text) => ("convosync:anon:", text),
            VisitorIdentity::Registered(text) => ("convosync:user:", text),
        };
        Self(hashed_uuid(kind, text))
    }
}

/// The longest id of a conversation or a message, in characters.
pub const ID_MAX_CHARACTERS: usize = 128;

/// A text that cannot be an id: empty, over [`ID_MAX_CHARACTERS`], or with a control character in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a text of 1 to 128 characters without control characters")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $id:ident, $(#[$key_doc:meta])* $key:ident) => {
        $(#[$doc])*
        ///
        /// An app chooses any text of 1 to [`ID_MAX_CHARACTERS`] characters without control characters. One in
        /// the hyphenated form of a UUID (RFC 9562) is that UUID, in any case; every other text is compared as
        /// it is. UUIDs come first in their order, then the other texts in that of their bytes.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id {
            /// `None` for a UUID, so that one takes no memory beside its key.
            opaque: Option<Arc<str>>,
            key: $key,
        }

        $(#[$key_doc])*
        ///
        /// It is the UUID that the app chose, or else a version 8 UUID made of the first 16 bytes of SHA-256 over
        /// the text: so every key has 16 bytes, whatever the app's ids look like.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $key(Uuid);

        impl $id {
            /// Reads what an app sent.
            ///
            /// # Errors
            /// [`InvalidId`] when the text cannot be an id.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if let Some(uuid) = hyphenated_uuid(text) {
                    return Ok(Self::from_uuid(uuid));
                }
                if !is_name(text, ID_MAX_CHARACTERS) {
                    return Err(InvalidId);
                }
                Ok(Self {
                    opaque: Some(text.into()),
                    key: $key(hashed_uuid("convosync:id:", text)),
                })
            }

            /// The id that is this UUID.
            #[must_use]
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self {
                    opaque: None,
                    key: $key(uuid),
                }
            }

            /// The id that a store knows by this key, and by this text if it is no UUID.
            #[must_use]
            pub fn from_parts(key: Uuid, opaque: Option<String>) -> Self {
                Self {
                    opaque: opaque.map(Arc::from),
                    key: $key(key),
                }
            }

            /// What a store finds it by.
            #[must_use]
            pub fn key(&self) -> $key {
                self.key
            }

            /// The text of an id that is no UUID.
            #[must_use]
            pub fn opaque(&self) -> Option<&str> {
                self.opaque.as_deref()
            }
        }

        /// A UUID in lower case with hyphens, any other id as it was sent.
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.opaque {
                    Some(text) => f.write_str(text),
                    None => self.key.0.hyphenated().fmt(f),
                }
            }
        }

        impl $key {
            /// The key that is this UUID.
            #[must_use]
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            #[must_use]
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }
    };
}

id! {
    /// Names a conversation among those of its visitor.
    ConversationId,
    /// What a store finds a conversation of a visitor by.
    ConversationKey
}
id! {
    /// Names a message among those of its conversation: a cloned chat keeps its message ids.
    MessageId,
    /// What a store finds a message of a conversation by.
    MessageKey
}

/// The parser of `uuid` also takes the 32, 38 and 45 character forms.
fn hyphenated_uuid(text: &str) -> Option<Uuid> {
    let has_length = text.len() == uuid::fmt::Hyphenated::LENGTH;
    has_length.then(|| Uuid::try_parse(text).ok()).flatten()
}

/// Whether a text has 1 to `most` characters and no control character.
fn is_name(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// A version 8 UUID made of the first 16 bytes of SHA-256 over the kind and the text.
fn hashed_uuid(kind: &str, text: &str) -> Uuid {
    let hash = Sha256::new()
        .chain_update(kind)
        .chain_update(text)
        .finalize();
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(hash)
        .for_each(|(byte, hashed)| *byte = hashed);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_identity_is_1_to_255_characters_without_controls() {
        let longest = "ä".repeat(255);
        for good in ["a", " ", "user@example.org", &longest] {
            assert!(VisitorIdentity::registered(good).is_ok(), "{good}");
        }
        let too_long = "a".repeat(256);
        for bad in ["", "a\0", "a\r\n", "\u{7f}", "\u{85}", &too_long] {
            assert_eq!(
                VisitorIdentity::anonymous(bad),
                Err(InvalidIdentity),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn anonymous_and_registered_visitors_of_one_name_are_two() -> Result<(), InvalidIdentity> {
        let anonymous = VisitorId::from(&VisitorIdentity::anonymous("42")?);
        let registered = VisitorId::from(&VisitorIdentity::registered("42")?);
        assert_ne!(anonymous, registered);
        assert_eq!(anonymous.as_uuid().get_version_num(), 8);
        // Stored data depend on this value: it may never change.
        assert_eq!(
            anonymous.as_uuid().to_string(),
            "4b962746-0b77-8433-9e1d-45c15c274652"
        );
        Ok(())
    }

    #[test]
    fn debug_shows_no_identity() -> Result<(), InvalidIdentity> {
        let shown = format!("{:?}", VisitorIdentity::anonymous("marker")?);
        assert!(!shown.contains("marker"), "{shown}");
        Ok(())
    }

    #[test]
    fn a_uuid_is_one_id_in_any_case() -> Result<(), InvalidId> {
        let id = MessageId::parse("6518856D-63AE-5696-B190-8593EF95598B")?;
        assert_eq!(id.to_string(), "6518856d-63ae-5696-b190-8593ef95598b");
        assert_eq!(id.opaque(), None);
        assert_eq!(id, MessageId::from_uuid(id.key().as_uuid()));
        let nil = ConversationId::parse("00000000-0000-0000-0000-000000000000")?;
        assert_eq!(nil.key(), ConversationKey::from_uuid(Uuid::nil()));
        Ok(())
    }

    #[test]
    fn any_other_text_is_an_id_as_it_is() -> Result<(), InvalidId> {
        let longest = "ä".repeat(128);
        let texts = [
            "5",
            " ",
            "chatcmpl-9x",
            "CHATCMPL-9x",
            "6518856d63ae5696b1908593ef95598b",
            "{6518856d-63ae-5696-b190-8593ef95598b}",
            "6518856d-63ae-5696-b190-8593ef95598",
            " 6518856d-63ae-5696-b190-8593ef95598b",
            "6518856d-63ae-5696-b190-8593ef95598g",
            "urn:uuid:6518856d-63ae-5696-b190-8593ef95598b",
            "😀",
            "e\u{301}",
            "é",
            &longest,
        ];
        let mut keys = HashSet::new();
        for text in texts {
            let id = MessageId::parse(text)?;
            assert_eq!((id.to_string(), id.opaque()), (text.to_owned(), Some(text)));
            assert_eq!(id.key().as_uuid().get_version_num(), 8);
            keys.insert(id.key());
        }
        assert_eq!(keys.len(), texts.len());
        // Stored data depend on this value: it may never change.
        assert_eq!(
            MessageId::parse("chatcmpl-9x")?.key().as_uuid().to_string(),
            "a6909773-6ce0-85f1-8204-0ff4bc08a322"
        );
        Ok(())
    }

    #[test]
    fn an_id_is_1_to_128_characters_without_controls() {
        let too_long = "ä".repeat(129);
        for bad in ["", "a\0", "a\n", "\u{7f}", "\u{85}", &too_long] {
            assert_eq!(ConversationId::parse(bad), Err(InvalidId), "{bad:?}");
        }
    }

    #[test]
    fn uuids_come_before_other_ids() -> Result<(), InvalidId> {
        let texts = [
            "00000000-0000-0000-0000-000000000001",
            "ffffffff-0000-0000-0000-000000000000",
            " ",
            "0",
            "Z",
            "a",
            "ab",
            "ä",
            "😀",
        ];
        let ids: Vec<_> = texts
            .map(ConversationId::parse)
            .into_iter()
            .collect::<Result<_, _>>()?;
        assert!(ids.is_sorted(), "{ids:?}");
        Ok(())
    }
}
