//! Tells the program which commit and which schema it is built from.

use std::fs;
use std::path::Path;
use std::process::Command;

const MIGRATIONS: &str = "../../migrations/sqlite";
const HEAD: &str = "../../.git/HEAD";

fn main() {
    println!("cargo:rerun-if-env-changed=CONVOSYNC_COMMIT");
    println!("cargo:rerun-if-changed={MIGRATIONS}");
    let commit = std::env::var("CONVOSYNC_COMMIT").ok().or_else(commit);
    let commit = commit.unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=CONVOSYNC_COMMIT={commit}");
    let schema = schema().unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=CONVOSYNC_SCHEMA={schema}");
}

/// `None` where the sources are not a checkout, as in a release archive.
fn commit() -> Option<String> {
    let head = fs::read_to_string(HEAD).ok()?;
    println!("cargo:rerun-if-changed={HEAD}");
    if let Some(reference) = head.strip_prefix("ref: ") {
        let reference = Path::new("../../.git").join(reference.trim());
        if reference.exists() {
            println!("cargo:rerun-if-changed={}", reference.display());
        }
    }
    let git = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()?;
    let commit = String::from_utf8(git.stdout).ok()?;
    git.status.success().then(|| commit.trim().to_owned())
}

/// The version of the last migration, in the form in which the store keeps it.
fn schema() -> Option<String> {
    let migrations = fs::read_dir(MIGRATIONS).ok()?.filter_map(Result::ok);
    let names = migrations.filter_map(|migration| migration.file_name().into_string().ok());
    let latest = names.max()?;
    Some(latest.split('_').next()?.replace('-', ""))
}
