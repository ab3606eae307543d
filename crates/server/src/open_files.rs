//! How many files and connections the process may have open.

/// Raises the limit as far as the system lets it: systems begin with a low one for old programs' sake. Each connection
/// takes two, and where there are no more nobody can connect.
pub(crate) fn raise_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "the limit on open files"),
        Err(error) => tracing::warn!(%error, "the limit on open files cannot be raised"),
    }
}
