use crate::timestamp::Timestamp;

/// What time it is.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;
}
