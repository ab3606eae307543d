//! Who owns conversations, and how conversations and messages are named.

use std::fmt;

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
    let fits = (1..=IDENTITY_MAX_CHARACTERS).contains(&text.chars().count());
    if fits && !text.chars().any(char::is_control) {
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
        let hash = Sha256::new()
            .chain_update(kind)
            .chain_update(text)
            .finalize();
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(hash)
            .for_each(|(byte, hashed)| *byte = hashed);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// A text that is no UUID in its hyphenated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Reads a UUID with hyphens, in any case (RFC 9562).
            ///
            /// # Errors
            /// [`InvalidId`] for any other form.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                // The parser of `uuid` also takes the 32, 38 and 45 character forms.
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).or(Err(InvalidId))
            }

            /// The item that a store knows by this UUID.
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

        /// Lower case, with hyphens.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

id! {
    /// Names a conversation among those of its visitor.
    ConversationId
}
id! {
    /// Names a message among those of its conversation: a cloned chat keeps its message ids.
    MessageId
}

#[cfg(test)]
mod tests {
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
    fn ids_are_hyphenated_uuids_in_any_case() {
        let id = MessageId::parse("6518856D-63AE-5696-B190-8593EF95598B").map(|id| id.to_string());
        assert_eq!(id.as_deref(), Ok("6518856d-63ae-5696-b190-8593ef95598b"));
        assert!(ConversationId::parse("00000000-0000-0000-0000-000000000000").is_ok());
        for bad in [
            "",
            "5",
            "6518856d63ae5696b1908593ef95598b",
            "{6518856d-63ae-5696-b190-8593ef95598b}",
            "6518856d-63ae-5696-b190-8593ef95598",
            " 6518856d-63ae-5696-b190-8593ef95598",
            "6518856d-63ae-5696-b190-8593ef95598g",
        ] {
            assert_eq!(MessageId::parse(bad), Err(InvalidId), "{bad}");
        }
    }
}
