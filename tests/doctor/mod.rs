//! `convosync doctor`: a sound set-up is said to be sound, each fault is found and told with what to do, and nothing
//! is changed.

mod local;
mod postgres;
mod proxy;
mod reached;
mod static_folder;

use std::path::Path;

use serde_json::Value;

use crate::support::{Finished, convosync};

/// What the doctor found.
struct Findings {
    all: Vec<Value>,
    finished: Finished,
}

impl Findings {
    /// Nothing has failed, and nothing is warned of.
    fn assert_sound(&self) {
        assert_eq!(self.failed(), Vec::<&str>::new(), "{:?}", self.finished);
        assert_eq!(self.warned(), Vec::<&str>::new(), "{:?}", self.finished);
    }

    /// Runs the doctor in this folder, with these settings of the environment and these arguments.
    fn of(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = convosync(folder);
        command.envs(settings.iter().copied());
        command.env("CONVOSYNC__LOG__LEVEL", "off");
        command.args(["doctor", "--json"]).args(arguments);
        let finished = Finished::of(&mut command);
        let all: Vec<Value> = serde_json::from_str(&finished.stdout)
            .unwrap_or_else(|error| panic!("{error}: {finished:?}"));
        let findings = Self { all, finished };
        let failed = findings.all.iter().any(|it| it["status"] == "failed");
        let code = i32::from(failed);
        assert_eq!(
            findings.finished.code,
            Some(code),
            "{:?}",
            findings.finished
        );
        for finding in &findings.all {
            let is_ok = finding["status"] == "ok";
            assert_eq!(finding["advice"].is_string(), !is_ok, "{finding}");
        }
        findings
    }

    /// What was found by a check, as `status: found -> advice`.
    fn told(&self, check: &str) -> String {
        let told = self.all.iter().filter(|it| it["check"] == check);
        let told: Vec<_> = told
            .map(|it| {
                let [status, found, advice] =
                    ["status", "found", "advice"].map(|key| it[key].as_str().unwrap_or_default());
                format!("{status}: {found} -> {advice}")
            })
            .collect();
        told.join("; ")
    }

    /// Asserts that a check has found a fault, and advises this.
    #[track_caller]
    fn assert_told(&self, check: &str, status: &str, advice: &str) {
        let told = self.told(check);
        assert!(told.starts_with(status), "{check}: {told}");
        assert!(told.contains(advice), "{check}: {told}");
    }

    /// The checks that have failed.
    fn failed(&self) -> Vec<&str> {
        let failed = self.all.iter().filter(|it| it["status"] == "failed");
        failed.filter_map(|it| it["check"].as_str()).collect()
    }

    /// The checks that have warned, but for what the machine of the tests is like.
    fn warned(&self) -> Vec<&str> {
        let of_the_machine = [
            "user",
            "file system",
            "clock kept",
            "free room",
            "open files",
        ];
        let warned = self.all.iter().filter(|it| it["status"] == "warning");
        let warned = warned.filter_map(|it| it["check"].as_str());
        warned
            .filter(|check| !of_the_machine.contains(check))
            .collect()
    }
}
