//! The object `sync` of a line of an archive: of each item what the shape of a post has no word for,
//! in the order of the items.

use convosync_application::export_store::VisitorItems;
use convosync_domain::archive::{ArchivedConversation, ArchivedMessage};
use convosync_domain::identity::VisitorId;
use convosync_domain::posted::Digest;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncObject {
    pub(super) visitor: SyncVisitor,
    pub(super) conversations: Vec<SyncConversation>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncVisitor {
    /// As it is at rest.
    pub(super) id: VisitorUuid,
    kind: VisitorKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<String>,
    pub(super) registered_at: Moment,
    pub(super) change_counter: Number,
    /// As far as it is known; archives of version 1 do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_changed_at: Option<Moment>,
}

/// What stays of a visitor who is gone.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncTombstone {
    id: VisitorUuid,
    gone_at: Moment,
    /// Whose everything of the visitor is now; without it, everything was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<VisitorUuid>,
}

impl From<&VisitorTombstone> for SyncTombstone {
    fn from(tombstone: &VisitorTombstone) -> Self {
        Self {
            id: VisitorUuid(tombstone.id.as_uuid()),
            gone_at: Moment(tombstone.at),
            merged_into: match tombstone.gone {
                VisitorGone::Erased => None,
                VisitorGone::Merged { into } => Some(VisitorUuid(into.as_uuid())),
            },
        }
    }
}

impl From<SyncTombstone> for VisitorTombstone {
    fn from(tombstone: SyncTombstone) -> Self {
        let id = |VisitorUuid(uuid)| VisitorId::from_uuid(uuid);
        Self {
            id: id(tombstone.id),
            at: tombstone.gone_at.into(),
            gone: match tombstone.merged_into.map(id) {
                None => VisitorGone::Erased,
                Some(into) => VisitorGone::Merged { into },
            },
        }
    }
}

#[derive(Clone, Copy, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum VisitorKind {
    Anonymous,
    Registered,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncConversation {
    pub(super) change_number: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stamp: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) future_stamp: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) erased_through: Option<Moment>,
    pub(super) messages: Vec<SyncMessage>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncMessage {
    pub(super) change_number: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stamp: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) own_stamp: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) future_stamp: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<DigestText>,
}

impl SyncVisitor {
    pub(super) fn is_registered(&self) -> bool {
        self.kind == VisitorKind::Registered
    }
}

impl SyncObject {
    pub(super) fn of(line: &VisitorItems) -> Self {
        let visitor = &line.visitor;
        Self {
            visitor: SyncVisitor {
                id: VisitorUuid(visitor.id.as_uuid()),
                kind: match visitor.user_id {
                    Some(_) => VisitorKind::Registered,
                    None => VisitorKind::Anonymous,
                },
                user_id: visitor.user_id.clone(),
                registered_at: Moment(visitor.registered_at),
                change_counter: Number(visitor.change_counter),
                last_changed_at: visitor.last_changed_at.map(Moment),
            },
            conversations: line.conversations.iter().map(Into::into).collect(),
        }
    }
}

impl From<&ArchivedConversation> for SyncConversation {
    fn from(archived: &ArchivedConversation) -> Self {
        let history = archived.conversation.history;
        Self {
            change_number: Number(archived.change_number),
            stamp: history.stamp.map(Moment),
            future_stamp: history.future_stamp.map(Moment),
            erased_through: history.erased_through.map(Moment),
            messages: archived.messages.iter().map(Into::into).collect(),
        }
    }
}

impl From<&ArchivedMessage> for SyncMessage {
    fn from(archived: &ArchivedMessage) -> Self {
        let history = archived.message.history;
        Self {
            change_number: Number(archived.change_number),
            stamp: history.stamp.map(Moment),
            own_stamp: history.own_stamp.map(Moment),
            future_stamp: history.future_stamp.map(Moment),
            deleted_at: history.deleted_at.map(Moment),
            digest: archived.message.digest.map(DigestText),
        }
    }
}

/// Declares a value that is written as a text, or read from one.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident($value:ty), $write:expr, $read:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Deserialize, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub(super) struct $name(pub(super) $value);

        impl From<$name> for String {
            fn from($name(value): $name) -> Self {
                let write: fn($value) -> String = $write;
                write(value)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let read: fn(&str) -> Result<$value, String> = $read;
                read(&text).map(Self)
            }
        }

        impl From<$name> for $value {
            fn from($name(value): $name) -> Self {
                value
            }
        }
    };
}

text! {
    /// A moment, as everywhere on the wire.
    Moment(Timestamp),
    |moment| moment.to_string(),
    |text| Timestamp::parse(text).map_err(|error| error.to_string())
}

text! {
    /// The 32 hexadecimal digits of a digest.
    DigestText(Digest),
    |digest| format!("{:032x}", u128::from_be_bytes(digest.0)),
    |text| {
        let is_whole = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digest = is_whole.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        let digest = digest.ok_or("a digest is 32 hexadecimal digits")?;
        Ok(Digest(digest.to_be_bytes()))
    }
}

text! {
    /// The UUID that names a visitor at rest.
    VisitorUuid(uuid::Uuid),
    |id| id.to_string(),
    |text| text.parse().map_err(|_not_shown| "a visitor is named by a UUID".to_owned())
}

/// A change number or counter; the largest are none, as stores keep them in 63 bits.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(try_from = "u64")]
pub(super) struct Number(pub(super) u64);

impl From<Number> for u64 {
    fn from(Number(number): Number) -> Self {
        number
    }
}

impl TryFrom<u64> for Number {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        match i64::try_from(number) {
            Ok(_) => Ok(Self(number)),
            Err(_) => Err("a number is too large"),
        }
    }
}
