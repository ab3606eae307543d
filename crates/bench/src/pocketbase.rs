//! PocketBase at the same job: the rows of the bodies, put by its batch API into collections that have
//! the same columns.
//!
//! Its settings are those that it has when it is new, but for the limits of a batch: a commit of its
//! is not on the disk when it is answered (`synchronous = NORMAL`), and no setting changes that.

mod batch;
mod collections;
mod program;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use self::batch::Batch;
pub use self::program::find;
use crate::bodies::{Shape, body};
use crate::http::Client;
use crate::load::{self, Load, visitor};
use crate::process::Process;

/// Who is measured.
pub const POCKETBASE: &str = "PocketBase";

/// How long a start may take.
const START_TIME: Duration = Duration::from_secs(60);

/// Who writes: no rule is evaluated for a superuser, so nobody writes faster.
const SUPERUSER: [&str; 2] = ["bench@example.com", "bench-password"];

/// A running server, on a port of its own. It ends with the value.
#[derive(Debug)]
pub struct PocketBase {
    child: Child,
    host: SocketAddr,
    log: NamedTempFile,
    token: String,
}

impl PocketBase {
    /// Starts the program on new data in this folder, with the collections and a superuser.
    pub fn start(program: &Path, folder: &Path) -> Result<Self> {
        let made = command(program, folder)
            .args(["superuser", "upsert"])
            .args(SUPERUSER)
            .output()
            .with_context(|| format!("{} does not start", program.display()))?;
        ensure!(
            made.status.success(),
            "{} made no superuser: {}",
            program.display(),
            String::from_utf8_lossy(&made.stderr)
        );
        let host = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        // Where a pipe is read, each line wakes a reader.
        let log = NamedTempFile::new()?;
        let child = command(program, folder)
            .args(["serve", "--http", &host.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen()?)
            .spawn()?;
        let mut server = Self {
            child,
            host,
            log,
            token: String::new(),
        };
        let mut client = server.connect()?;
        server.log_in(&mut client)?;
        server.allow_batches(&mut client)?;
        server.create_collections(&mut client)?;
        Ok(server)
    }

    /// Connects as soon as it listens.
    fn connect(&mut self) -> Result<Client> {
        let started = Instant::now();
        loop {
            if let Ok(client) = Client::connect(self.host) {
                return Ok(client);
            }
            if self.child.try_wait()?.is_some() || started.elapsed() > START_TIME {
                let said = fs::read_to_string(self.log.path())?;
                bail!("PocketBase did not start: {said}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn log_in(&mut self, client: &mut Client) -> Result<()> {
        let [identity, password] = SUPERUSER;
        let path = "/api/collections/_superusers/auth-with-password";
        let body = json!({"identity": identity, "password": password});
        let answer = self.send(client, "POST", path, &body)?;
        self.token = text(&answer, "token")?.to_owned();
        Ok(())
    }

    /// Allows batches, which are off in a new PocketBase, with what the largest body takes: 50 requests
    /// and 3 seconds are its own limits.
    fn allow_batches(&self, client: &mut Client) -> Result<()> {
        let batch = json!({
            "enabled": true,
            "maxRequests": 100_000,
            "maxBodySize": 1 << 30,
            "timeout": 600,
        });
        self.send(client, "PATCH", "/api/settings", &json!({"batch": batch}))?;
        Ok(())
    }

    fn create_collections(&self, client: &mut Client) -> Result<()> {
        let mut ids = Vec::new();
        for collection in collections::ALL {
            let definition = collection.definition(&ids)?;
            let answer = self.send(client, "POST", "/api/collections", &definition)?;
            ids.push((collection.name, text(&answer, "id")?.to_owned()));
        }
        Ok(())
    }

    fn send(&self, client: &mut Client, method: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = client.send_json(method, path, &self.authorization(), &body.to_string())?;
        Ok(serde_json::from_slice(answer.body)?)
    }

    /// The line of a head that tells who writes.
    fn authorization(&self) -> String {
        format!("authorization: {}\r\n", self.token)
    }

    /// Where it listens.
    pub fn host(&self) -> SocketAddr {
        self.host
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Posts the bodies of these numbers, each as one batch.
    pub fn post(&self, clients: usize, shape: Shape, numbers: Range<u64>) -> Result<Load> {
        let authorization = self.authorization();
        load::run(
            self.host,
            clients,
            numbers.end - numbers.start,
            |number| {
                let number = numbers.start + number;
                Batch::of(&body(shape, number), &visitor(number))
            },
            |client, batch| {
                let batch = batch?;
                let answer = client.send_json("POST", "/api/batch", &authorization, &batch.body)?;
                batch.check(answer.body)
            },
        )
    }
}

impl Drop for PocketBase {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, kept to this folder with all that it reads and writes.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--automigrate=false");
    for (flag, name) in [
        ("--dir", "pb_data"),
        ("--hooksDir", "pb_hooks"),
        ("--migrationsDir", "pb_migrations"),
        ("--publicDir", "pb_public"),
    ] {
        command.arg(flag).arg(folder.join(name));
    }
    command
}

/// A text of an answer.
fn text<'a>(answer: &'a Value, name: &str) -> Result<&'a str> {
    let text = answer.get(name).and_then(Value::as_str);
    text.with_context(|| format!("PocketBase answered no {name}"))
}
