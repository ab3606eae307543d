//! The API keys of back ends: created, listed and revoked by an operator, verified at each use.

mod manage;
mod verify;

pub use manage::{
    CreateKeyError, CreatedApiKey, ListedApiKey, ManageApiKeys, NewApiKey, RevokedApiKey,
};
pub use verify::{ApiKeyGrant, ApiKeyRefused, VerifyApiKey};
