//! Which Convosync this is.

use convosync_http_actix::Version;

/// The version of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that the program was built from.
pub(crate) const COMMIT: &str = env!("CONVOSYNC_COMMIT");

/// The latest schema that the program knows.
pub(crate) const SCHEMA: &str = env!("CONVOSYNC_SCHEMA");

/// What `convosync --version` prints after the name.
pub(crate) const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("CONVOSYNC_COMMIT"),
    ", schema ",
    env!("CONVOSYNC_SCHEMA"),
    ")"
);

/// What `/version` tells.
pub(crate) fn version() -> Version {
    Version {
        version: VERSION.to_owned(),
        commit: COMMIT.to_owned(),
        schema: SCHEMA.to_owned(),
    }
}
