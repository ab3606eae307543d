//! Who owns conversations, and how conversations and messages are named.

#[cfg(test)]
mod tests;

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
    pub const fn from_uuid(uuid: Uuid) -> Self {
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
