//! How far the schema of a store is, for whoever starts this program on it.

use convosync_storage_diesel::SchemaState;

use crate::finding::Finding;
use crate::version::SCHEMA;

const CHECK: &str = "schema";

pub(super) fn of(schema: &SchemaState) -> Finding {
    match schema {
        SchemaState::None => {
            Finding::ok(CHECK, "there are no tables yet; the first start makes them")
        }
        SchemaState::Current => Finding::ok(CHECK, format!("{SCHEMA}, that of this program")),
        SchemaState::Older(missing) => Finding::note(
            CHECK,
            format!(
                "older than this program: {} migrations are missing, up to {SCHEMA}",
                missing.len()
            ),
            "they run at the next start, or by `convosync migrate`; make a backup first, there is no way back",
        ),
        SchemaState::Newer(version) => Finding::failed(
            CHECK,
            format!("{version} is newer than this program, which knows {SCHEMA}"),
            "start the version of Convosync that wrote the store, or a later one, or restore a backup from before it",
        ),
        SchemaState::Foreign => Finding::failed(
            CHECK,
            "there are tables, but none of Convosync",
            "set database.url to a file or database of Convosync's own",
        ),
    }
}
