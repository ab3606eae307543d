//! The clock of this machine: stamps of devices are compared with it, and certificates and tokens checked.

use std::process::{Command, Stdio};

use convosync_domain::ports::Clock;
use convosync_domain::timestamp::Timestamp;

use crate::finding::Finding;
use crate::version::SCHEMA;

const CHECK: &str = "clock";
const ADVICE: &str = "keep it by NTP: `timedatectl set-ntp true`, or install chrony; in a container it is the host's";

/// No server runs so long.
const YEAR_MAX: u32 = 2_100;
/// A month before a schema that the program has its clock was right, wherever that was.
const SLACK: u32 = 100;

pub(super) fn findings(clock: &dyn Clock) -> Vec<Finding> {
    let mut findings = vec![sanity(clock.now(), SCHEMA)];
    findings.push(synchronization(asked_of_the_system().as_deref()));
    findings
}

/// Whether it can be so late, for a program with a schema of this date.
fn sanity(now: Timestamp, schema: &str) -> Finding {
    let shown = now.to_string();
    // `2026-11-28T…` as 20261128: later days have larger numbers.
    let day = |text: &str| -> u32 {
        let digits: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
        digits.parse().unwrap_or(0)
    };
    let (today, first) = (day(&shown), day(schema).saturating_sub(SLACK));
    match (first..YEAR_MAX * 10_000).contains(&today) {
        true => Finding::ok(CHECK, shown),
        false => Finding::failed(
            CHECK,
            format!("it is {shown}, which cannot be: this program is from {schema}"),
            ADVICE,
        ),
    }
}

/// What systemd says of the clock, `yes` or `no`, where there is systemd.
fn asked_of_the_system() -> Option<String> {
    let said = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    said.status
        .success()
        .then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

fn synchronization(said: Option<&str>) -> Finding {
    const CHECK: &str = "clock kept";
    match said {
        Some("yes") => Finding::ok(CHECK, "the clock is kept by NTP"),
        Some("no") => {
            Finding::warning(CHECK, "the clock is not kept by NTP, and runs away", ADVICE)
        }
        _ => Finding::skipped(
            CHECK,
            "this system does not tell whether its clock is kept",
            "see that the host keeps it by NTP; with --url it is compared with this machine's",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn a_clock_from_before_the_program_cannot_be() {
        let status = |now: &str, schema| sanity(Timestamp::parse(now).unwrap(), schema).status;
        for (now, expected) in [
            ("2026-11-28T12:00:00Z", Status::Ok),
            ("2026-11-01T12:00:00Z", Status::Ok),
            ("2031-01-01T00:00:00Z", Status::Ok),
            ("2026-01-01T00:00:00Z", Status::Failed),
            ("1970-01-01T00:00:00Z", Status::Failed),
            ("2106-02-07T06:28:16Z", Status::Failed),
        ] {
            assert_eq!(status(now, "20261128000002"), expected, "{now}");
        }
    }

    #[test]
    fn what_systemd_says() {
        assert_eq!(synchronization(Some("yes")).status, Status::Ok);
        assert_eq!(synchronization(Some("no")).status, Status::Warning);
        assert_eq!(synchronization(None).status, Status::Skipped);
    }
}
