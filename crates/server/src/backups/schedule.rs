//! When backups are due, what they are called, and which of them go.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};
use convosync_domain::timestamp::Timestamp;

const MOMENT: &str = "%Y%m%dT%H%M%SZ";
const PREFIX: &str = "convosync-";
const SUFFIX: &str = ".db";

/// A moment as names of files have it, to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    // The years of a timestamp are those that this can print.
    let at = DateTime::from_timestamp_micros(at.as_micros()).unwrap_or_default();
    at.format(MOMENT).to_string()
}

/// What a backup is called that was begun at this moment.
pub(super) fn file_name(at: Timestamp) -> String {
    format!("{PREFIX}{}{SUFFIX}", moment(at))
}

/// When the backup of this name was begun; `None` for a file that is none, or is called otherwise.
pub(super) fn begun_at(file_name: &str) -> Option<Timestamp> {
    let given = file_name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let at = NaiveDateTime::parse_from_str(given, MOMENT).ok()?;
    let at = Timestamp::from_micros(at.and_utc().timestamp_micros()).ok()?;
    // `2026-1-2` is read, too.
    (moment(at) == given).then_some(at)
}

/// How long it is until a backup is due, after the newest that there is.
pub(super) fn until_due(newest: Option<Timestamp>, every: Duration, now: Timestamp) -> Duration {
    let Some(newest) = newest else {
        return Duration::ZERO;
    };
    let age = now.as_micros().saturating_sub(newest.as_micros());
    match u64::try_from(age) {
        Ok(age) => every.saturating_sub(Duration::from_micros(age)),
        // The clock was set back: nobody knows how old it is.
        Err(_) => Duration::ZERO,
    }
}

/// Which of the backups of these names go where so many are kept: the oldest.
pub(super) fn surplus(mut names: Vec<String>, keep: usize) -> Vec<String> {
    names.retain(|name| begun_at(name).is_some());
    // By moment, as each has the same number of digits.
    names.sort_unstable();
    names.truncate(names.len().saturating_sub(keep));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_backup_is_called_by_the_moment_of_its_begin() {
        let begun = at("2026-11-28T17:00:09.75Z");
        let name = file_name(begun);
        assert_eq!(name, "convosync-20261128T170009Z.db");
        assert_eq!(begun_at(&name), Some(at("2026-11-28T17:00:09Z")));
    }

    #[test]
    fn nothing_else_is_taken_for_a_backup() {
        for name in [
            "convosync.db",
            "convosync-20261128T170009Z.db-wal",
            "convosync-20261128T170009Z.db.gz",
            "my-convosync-20261128T170009Z.db",
            "convosync-20261128T170009.db",
            "convosync-20261328T170009Z.db",
            "convosync-2026112T170009Z.db",
            "convosync-20261128T1700 9Z.db",
            "convosync-before-the-move.db",
            "",
        ] {
            assert_eq!(begun_at(name), None, "{name}");
        }
    }

    #[test]
    fn the_next_one_is_due_so_long_after_the_newest() {
        let newest = at("2026-11-28T17:00:00Z");
        for (now, wait) in [
            ("2026-11-28T17:00:00Z", DAY),
            ("2026-11-28T18:00:00Z", Duration::from_secs(82_800)),
            ("2026-11-29T17:00:00Z", Duration::ZERO),
            ("2027-11-29T17:00:00Z", Duration::ZERO),
            // Set back.
            ("2026-11-28T16:59:59Z", Duration::ZERO),
        ] {
            assert_eq!(until_due(Some(newest), DAY, at(now)), wait, "{now}");
        }
        assert_eq!(until_due(None, DAY, newest), Duration::ZERO);
    }

    #[test]
    fn the_oldest_go_and_nothing_that_is_no_backup() {
        let names = [
            "convosync-20261128T170000Z.db",
            "notes.txt",
            "convosync-20251231T235959Z.db",
            "convosync-20261128T165959Z.db",
            "convosync-20000101T000000Z.db.replaced",
        ];
        let names = names.map(str::to_owned).to_vec();
        assert_eq!(
            surplus(names.clone(), 1),
            [
                "convosync-20251231T235959Z.db",
                "convosync-20261128T165959Z.db"
            ]
        );
        assert_eq!(surplus(names.clone(), 2), ["convosync-20251231T235959Z.db"]);
        assert!(surplus(names, 3).is_empty());
    }
}
