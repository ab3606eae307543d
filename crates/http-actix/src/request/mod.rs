//! What a request says beside its body: who asks, in the URL, and how, in the headers.

mod id;
mod identity;
mod prefer;
mod query;

pub(crate) use id::{REQUEST_ID, RequestId};
pub(crate) use identity::Identity;
pub(crate) use prefer::{Handling, PREFERENCE_APPLIED, handling};
pub(crate) use query::Query;
