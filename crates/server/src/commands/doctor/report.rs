//! How findings are printed.

use crate::failure::Failure;
use crate::finding::{Finding, Status};
use crate::output::print;

/// Columns of the status and of what was looked at.
const STATUS_WIDTH: usize = 9;
const CHECK_WIDTH: usize = 20;

/// Prints what was found, and fails where something has failed.
pub(super) fn report(findings: &[Finding], as_json: bool) -> Result<(), Failure> {
    match as_json {
        true => {
            let lines: Result<Vec<_>, _> = findings.iter().map(serde_json::to_string).collect();
            let lines = lines.map_err(|error| Failure::caused_by(&error))?;
            print(&format!("[{}]", lines.join(",\n ")))?;
        }
        false => print(&text(findings))?,
    }
    match count(findings, Status::Failed) {
        0 => Ok(()),
        1 => Err(Failure::failed("one check failed")),
        failed => Err(Failure::failed(format!("{failed} checks failed"))),
    }
}

fn text(findings: &[Finding]) -> String {
    let indent = " ".repeat(STATUS_WIDTH + CHECK_WIDTH);
    let mut text = String::new();
    for finding in findings {
        let status = word(finding.status);
        let check = finding.check;
        let found = one_line(&finding.found);
        text.push_str(&format!(
            "{status:STATUS_WIDTH$}{check:CHECK_WIDTH$}{found}\n"
        ));
        if let Some(advice) = &finding.advice {
            text.push_str(&format!("{indent}-> {}\n", one_line(advice)));
        }
    }
    let counted = |status| format!("{} {}", count(findings, status), word(status));
    let all = [Status::Ok, Status::Note, Status::Warning, Status::Failed];
    let all: Vec<_> = all.into_iter().map(counted).collect();
    text.push_str(&format!("{}\n", all.join(", ")));
    text
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Note => "note",
        Status::Warning => "warning",
        Status::Failed => "FAILED",
        Status::Skipped => "skipped",
    }
}

fn count(findings: &[Finding], status: Status) -> usize {
    findings
        .iter()
        .filter(|finding| finding.status == status)
        .count()
}

/// What others say, a server among them, may hold anything.
fn one_line(text: &str) -> String {
    text.replace(|character: char| character.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_stand_below_each_other() {
        let findings = [
            Finding::ok("port", "127.0.0.1:7800 is free"),
            Finding::failed("store file", "is \u{1b}[31mgone", "put it back"),
        ];
        insta::assert_snapshot!(text(&findings), @r"
        ok       port                127.0.0.1:7800 is free
        FAILED   store file          is  [31mgone
                                     -> put it back
        1 ok, 0 note, 0 warning, 1 FAILED
        ");
    }
}
