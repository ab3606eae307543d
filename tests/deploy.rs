//! The files in `deploy/` agree with the program: what they set exists, and who stops it waits long enough.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::run;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(DEPLOY).join(file)).unwrap()
}

/// What `config print` prints with this file of settings.
fn settings_in_force(file: &Path) -> String {
    let file = file.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let printed = run(folder.path(), &["--config", file, "config", "print"]);
    assert_eq!(printed.code, Some(0), "{file}: {printed:?}");
    printed.stdout
}

/// The keys of all settings.
fn keys() -> BTreeSet<String> {
    let printed = settings_in_force(&Path::new(DEPLOY).join("debian/convosync.toml"));
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in printed.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((name, _)) = line.split_once(" = ") {
            keys.insert(format!("{section}.{name}"));
        }
    }
    keys
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// Whether a line sets something, and is not a sentence.
fn is_setting(line: &str) -> bool {
    line.split_once(" = ")
        .is_some_and(|(name, _)| !name.contains(' '))
}

#[test]
fn the_settings_of_the_package_are_taken_as_they_are_and_with_what_they_suggest() {
    let file = read("debian/convosync.toml");
    let suggested: Vec<_> = file
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if is_setting(setting) => setting,
            _ => line,
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("convosync.toml");
    for (text, is_protected) in [(file.clone(), false), (suggested.join("\n"), true)] {
        fs::write(&path, text).unwrap();
        let printed = settings_in_force(&path);
        let protected = format!("mode = \"protected\" # from {}", path.display());
        assert_eq!(printed.contains(&protected), is_protected, "{printed}");
    }
}

#[test]
fn every_variable_that_is_set_in_deploy_is_a_setting() {
    let keys = keys();
    assert!(keys.len() > 40, "{keys:?}");
    let mut seen = 0;
    for path in files(Path::new(DEPLOY)) {
        let text = fs::read_to_string(&path).unwrap();
        for after in text.split("CONVOSYNC__").skip(1) {
            let end = after.find(|c: char| !c.is_ascii_uppercase() && c != '_');
            let name = after.get(..end.unwrap_or(after.len())).unwrap();
            let key = name.to_lowercase().replace("__", ".");
            assert!(keys.contains(&key), "{}: {key}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn whoever_stops_the_server_waits_for_it() {
    let printed = settings_in_force(&Path::new(DEPLOY).join("debian/convosync.toml"));
    let seconds = |name: &str, text: &str| -> u64 {
        let (_, after) = text.split_once(name).unwrap();
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap();
        after.get(..digits).unwrap().parse().unwrap()
    };
    let longest =
        seconds("drain_seconds = ", &printed) + seconds("shutdown_timeout_seconds = ", &printed);
    let waits = [
        ("debian/convosync.service", "TimeoutStopSec="),
        ("compose.sqlite.yaml", "stop_grace_period: "),
        ("compose.postgres.yaml", "stop_grace_period: "),
        ("citus/compose.yaml", "stop_grace_period: "),
    ];
    for (file, name) in waits {
        assert!(seconds(name, &read(file)) > longest, "{file}");
    }
}
