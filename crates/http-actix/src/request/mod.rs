//! What a request says beside its body: who asks, in the URL, and how, in the headers; and where it came from.

mod id;
mod identity;
mod peer;
mod prefer;
mod query;

pub(crate) use id::{REQUEST_ID, RequestId};
pub(crate) use identity::Identity;
pub use peer::{AddressRange, InvalidAddressRange};
pub(crate) use peer::{PeerAddress, TrustedProxies};
pub(crate) use prefer::{Handling, PREFER, PREFERENCE_APPLIED, handling};
pub(crate) use query::Query;
