//! The server that is measured, as a process of its own.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;

use crate::http::Client;
use crate::load::{VISITORS, visitor};
use crate::process::Process;

/// How long a start may take.
const START_TIME: Duration = Duration::from_secs(60);

/// A running server, on a port of its own. It ends with the value.
#[derive(Debug)]
pub struct Convosync {
    child: Child,
    host: SocketAddr,
    log: NamedTempFile,
}

impl Convosync {
    /// Starts the program on a database.
    pub fn start(program: &Path, database: &str) -> Result<Self> {
        Self::start_with(program, database, &[])
    }

    /// Starts the program on a database with these variables of its environment.
    fn start_with(program: &Path, database: &str, settings: &[(&str, &str)]) -> Result<Self> {
        // Where a pipe is read, each line wakes a reader.
        let log = NamedTempFile::new()?;
        let mut child = command(program)
            .env("CONVOSYNC__SERVER__PORT", "0")
            .env("CONVOSYNC__DATABASE__URL", database)
            .env("CONVOSYNC__LOG__FORMAT", "text")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen()?)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let started = Instant::now();
        let host = loop {
            let said = fs::read_to_string(log.path())?;
            if let Some(host) = address(&said) {
                break host;
            }
            if child.try_wait()?.is_some() || started.elapsed() > START_TIME {
                child.kill()?;
                bail!("{} did not start: {said}", program.display());
            }
            thread::sleep(Duration::from_millis(10));
        };
        Ok(Self { child, host, log })
    }

    /// Starts the program on the SQLite database in this folder.
    pub fn on_sqlite(program: &Path, folder: &Path) -> Result<Self> {
        Self::start(program, &sqlite(folder))
    }

    /// Starts the program on the SQLite database in this folder, so that it asks for tokens which are signed by
    /// this secret.
    pub fn asking_for_tokens(program: &Path, folder: &Path, secret: &str) -> Result<Self> {
        let settings = [
            ("CONVOSYNC__AUTH__MODE", "protected"),
            ("CONVOSYNC__AUTH__JWT__SECRET", secret),
            ("CONVOSYNC__AUTH__JWT__MAX_LIFETIME_HOURS", "0"),
            // One visitor and one address ask for everything.
            ("CONVOSYNC__LIMITS__ADDRESS_REQUESTS_PER_SECOND", "0"),
            ("CONVOSYNC__LIMITS__VISITOR_REQUESTS_PER_SECOND", "0"),
        ];
        Self::start_with(program, &sqlite(folder), &settings)
    }

    /// Lets the program bring a database's schema up to date.
    pub fn migrate(program: &Path, database: &str) -> Result<()> {
        let done = command(program)
            .arg("migrate")
            .env("CONVOSYNC__DATABASE__URL", database)
            .output()?;
        if !done.status.success() {
            bail!("migrate: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }

    /// Registers the visitors whom the load is for.
    pub fn register_visitors(&self) -> Result<()> {
        let mut client = Client::connect(self.host)?;
        for number in 0..VISITORS {
            let body = format!(r#"{{"user_id":"{}"}}"#, visitor(number));
            client.post("/api/visitors/", &body)?;
        }
        Ok(())
    }

    /// The last warnings in its log.
    pub fn complaints(&self) -> String {
        let log = fs::read_to_string(self.log.path()).unwrap_or_default();
        let complaints = log
            .lines()
            .filter(|line| line.contains("WARN") || line.contains("ERROR"));
        let last: Vec<_> = complaints.rev().take(5).collect();
        last.join("\n")
    }

    /// Where it listens.
    pub fn host(&self) -> SocketAddr {
        self.host
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }
}

fn sqlite(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("convosync.db").display())
}

/// The program, with no variable that is meant for others: it would be refused as a misspelt setting.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CONVOSYNC_") {
            command.env_remove(name);
        }
    }
    command
}

/// The address that the start-up lines tell.
fn address(said: &str) -> Option<SocketAddr> {
    let (_, rest) = said.split_once("http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'))?;
    rest.get(..end)?.parse().ok()
}

impl Drop for Convosync {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
