//! `convosync migrate`

use crate::backend::Backend;
use crate::failure::Failure;
use crate::output::print;
use crate::version::SCHEMA;

/// Runs the migrations that are missing and says which.
pub(super) fn run(backend: &dyn Backend) -> Result<(), Failure> {
    let applied = backend.migrate()?;
    if applied.is_empty() {
        return print(&format!("nothing to do: the schema is {SCHEMA}"));
    }
    let lines: Vec<_> = applied
        .iter()
        .map(|version| format!("applied {version}"))
        .collect();
    print(&lines.join("\n"))
}
