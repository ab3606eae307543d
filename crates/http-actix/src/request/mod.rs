//! What a request says beside its body: who asks, in the URL, and how, in the headers; and where it came from.

mod claim;
mod id;
mod path;
mod peer;
mod prefer;
mod query;

pub(crate) use claim::{claim_of, proof_of};
pub(crate) use id::{REQUEST_ID, RequestId};
pub(crate) use path::{conversation_of, message_of};
pub use peer::{AddressRange, InvalidAddressRange};
pub(crate) use peer::{PeerAddress, TrustedProxies};
pub(crate) use prefer::{Handling, PREFER, PREFERENCE_APPLIED, handling};
pub(crate) use query::{Encoded, LAST_EVENT_ID, Query};
