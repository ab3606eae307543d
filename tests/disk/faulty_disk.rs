//! A disk that fails when told to, and a journal of what it was asked to do: `faulty_disk.c`, preloaded into the server.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::support::Server;

pub(super) const EIO: u64 = 5;
pub(super) const ENOSPC: u64 = 28;
pub(super) const EROFS: u64 = 30;
pub(super) const ETIMEDOUT: u64 = 110;
pub(super) const EDQUOT: u64 = 122;

/// Calls of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Write,
    Sync,
    Truncate,
    Open,
    Read,
    Unlink,
    /// A write that makes a file longer.
    Grow,
}

impl Call {
    /// As `faulty_disk.c` numbers them.
    fn bit(self) -> u64 {
        match self {
            Self::Write => 1,
            Self::Sync => 2,
            Self::Truncate => 4,
            Self::Open => 8,
            Self::Read => 16,
            Self::Unlink => 32,
            Self::Grow => 64,
        }
    }
}

/// Which calls fail, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) call: Call,
    /// The first of them that fails, from 1.
    pub(super) nth: u64,
    pub(super) error: u64,
    /// Whether those after it fail, too.
    pub(super) lasts: bool,
    /// Whether the first one writes half of what it was given.
    pub(super) parts: bool,
    /// Only files whose names end so.
    pub(super) suffix: &'static str,
}

impl Fault {
    /// One call of this kind, on whichever file.
    pub(super) fn once(call: Call, nth: u64, error: u64) -> Self {
        Self {
            call,
            nth,
            error,
            lasts: false,
            parts: false,
            suffix: "",
        }
    }

    /// Every call of this kind from the first on.
    pub(super) fn lasting(call: Call, error: u64) -> Self {
        Self {
            lasts: true,
            ..Self::once(call, 1, error)
        }
    }
}

/// A folder on such a disk.
pub(super) struct FaultyDisk {
    /// With the folder, the control file and the journal in it.
    outer: TempDir,
    control: File,
}

/// The library, built once for all tests.
fn library() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("faulty_disk.so");
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/disk/faulty_disk.c"
        );
        let built = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-pthread", "-o"])
            .arg(&path)
            .arg(source)
            .status();
        assert!(built.unwrap().success(), "cannot compile {source}");
        (folder, path)
    });
    path
}

impl FaultyDisk {
    /// An empty folder on a disk that works.
    pub(super) fn new() -> Self {
        let outer = TempDir::new().unwrap();
        fs::create_dir(outer.path().join("disk")).unwrap();
        fs::write(outer.path().join("control"), [0; 4_096]).unwrap();
        fs::write(outer.path().join("journal"), []).unwrap();
        let control = OpenOptions::new()
            .read(true)
            .write(true)
            .open(outer.path().join("control"))
            .unwrap();
        Self { outer, control }
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.outer.path().join("disk")
    }

    /// Where the server has its store.
    pub(super) fn store(&self) -> PathBuf {
        self.folder().join("data/convosync.db")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.outer.path().join("journal")
    }

    /// How long the journal is: what has happened so far is in so many bytes.
    pub(super) fn now(&self) -> u64 {
        fs::metadata(self.journal()).unwrap().len()
    }

    /// Settings of a server whose store is on this disk.
    pub(super) fn settings(&self, is_recorded: bool) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let mut settings = vec![
            ("CONVOSYNC__DATABASE__URL", self.url()),
            ("LD_PRELOAD", text(library().to_owned())),
            ("FAULTY_DISK_FOLDER", text(self.folder())),
            (
                "FAULTY_DISK_CONTROL",
                text(self.outer.path().join("control")),
            ),
        ];
        if is_recorded {
            settings.push(("FAULTY_DISK_JOURNAL", text(self.journal())));
        }
        settings
    }

    pub(super) fn url(&self) -> String {
        format!("sqlite://{}", self.store().display())
    }

    /// A server that has yet to be started, whose store is on this disk.
    pub(super) fn server(&self, is_recorded: bool) -> Server {
        self.server_with(is_recorded, &[])
    }

    /// The same with more settings.
    pub(super) fn server_with(&self, is_recorded: bool, more: &[(&str, &str)]) -> Server {
        let settings = self.settings(is_recorded);
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        let settings: Vec<_> = settings.into_iter().chain(more.iter().copied()).collect();
        Server::stopped_on(None, &settings)
    }

    /// A server that has yet to be started, on the same store, with nothing in between.
    pub(super) fn plain_server(&self) -> Server {
        Server::stopped_on(None, &[("CONVOSYNC__DATABASE__URL", &self.url())])
    }

    /// From now on these calls fail.
    pub(super) fn set(&self, fault: Fault) {
        self.lift();
        let mut suffix = [0; 16];
        suffix[..fault.suffix.len()].copy_from_slice(fault.suffix.as_bytes());
        let fields = [
            fault.nth,
            fault.error,
            u64::from(fault.lasts),
            u64::from(fault.parts),
            0,
            0,
        ];
        let fields = fields.iter().flat_map(|field| field.to_ne_bytes());
        let fields: Vec<u8> = fields.chain(suffix).collect();
        self.control.write_all_at(&fields, 8).unwrap();
        // Last, as the server looks all the time.
        let calls = fault.call.bit().to_ne_bytes();
        self.control.write_all_at(&calls, 0).unwrap();
    }

    /// From now on none fails.
    pub(super) fn lift(&self) {
        self.control.write_all_at(&[0; 8], 0).unwrap();
    }

    /// How many calls of the kind that was set there were since.
    pub(super) fn seen(&self) -> u64 {
        self.count(40)
    }

    /// How many of them failed.
    pub(super) fn failed(&self) -> u64 {
        self.count(48)
    }

    fn count(&self, at: u64) -> u64 {
        let mut count = [0; 8];
        self.control.read_exact_at(&mut count, at).unwrap();
        u64::from_ne_bytes(count)
    }
}
