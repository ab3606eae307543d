use std::sync::Arc;

use async_trait::async_trait;

use super::StoreError;
use crate::identity::VisitorId;

/// Tells those who wait for a visitor's changes that there are some.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait ChangeNotifier: Send + Sync {
    /// Tells where a visitor stands now. It is called when what has changed is durable, and does not wait.
    fn notify(&self, notice: ChangeNotice);
}

/// Carries notices between the processes that serve one store. A store that only one process uses has none.
#[async_trait]
pub trait ChangeSignals: Send + Sync {
    /// Tells the other processes, soon and together with other notices; one may get lost.
    fn announce(&self, notice: ChangeNotice);

    /// Waits, at most about a second, for what other processes may have changed since the last call. Of the visitors
    /// that are watched when it returns, it tells at least where those stand that others changed; what it tells of
    /// this process's own changes, or of what has not changed, is harmless. Only one call waits at a time.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be asked now. The next call makes up for it.
    async fn listen(
        &self,
        watched: Arc<dyn WatchedVisitors>,
    ) -> Result<Vec<ChangeNotice>, StoreError>;
}

/// Whose changes somebody waits for in this process.
pub trait WatchedVisitors: Send + Sync {
    /// The visitors at this moment, each once.
    fn watched(&self) -> Vec<VisitorId>;
}

/// Where a visitor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeNotice {
    /// Which visitor.
    pub visitor: VisitorId,
    /// Where it stands.
    pub standing: Standing,
}

/// How far a visitor has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The visitor is at this change counter.
    At(u64),
    /// The visitor is not there any more.
    Gone,
}
