/// Where the secrets of anonymous visitors come from.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait AnonIds: Send + Sync {
    /// A new `anon_id` that nobody can guess: 256 random bits as 43 characters of base64url.
    fn generate(&self) -> String;
}
