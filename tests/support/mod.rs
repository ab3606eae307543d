//! A server of its own for each test: the built binary on a free port, in a folder that goes with
//! the test.

mod answer;
pub(crate) mod api;
mod command;
pub(crate) mod events;
pub(crate) mod json_text;
pub(crate) mod raw;
mod scale;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use convosync_test_postgres::{TestDatabase, TestServer};
use tempfile::TempDir;

pub(crate) use answer::Answer;
pub(crate) use command::{Finished, convosync, run};
pub(crate) use scale::{report, scaled};

/// How long a server may take to start or stop before a test fails.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What stands before the address, without TLS and with it.
const LISTENING: [&str; 2] = ["listening on http://", "listening on https://"];

/// A running server and the folder it works in. It is killed when it goes.
pub(crate) struct Server {
    folder: TempDir,
    /// Of a server whose store is one.
    database: Option<TestDatabase>,
    settings: Vec<(String, String)>,
    process: Option<Process>,
    agent: ureq::Agent,
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let settings = settings.iter();
    settings
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// With `CONVOSYNC_TEST_STORE=postgres` in the environment the store is a PostgreSQL database, else
/// SQLite.
fn new_database() -> Option<TestDatabase> {
    match std::env::var("CONVOSYNC_TEST_STORE").as_deref() {
        Ok("postgres") => Some(TestServer::shared().new_database()),
        Ok("sqlite") | Err(_) => None,
        Ok(other) => panic!("CONVOSYNC_TEST_STORE is {other:?}"),
    }
}

/// A started program.
struct Process {
    child: Child,
    address: String,
    stderr: Arc<Mutex<String>>,
    /// Until it has ended.
    collector: Option<JoinHandle<()>>,
}

/// Another server process on the store of a [`Server`]. It is killed when it goes.
pub(crate) struct Neighbour(Process);

impl Neighbour {
    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.0.kill();
    }
}

impl Server {
    /// Starts a server as it is without settings, but for the port.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with these settings of its environment, such as
    /// `("CONVOSYNC__VISITORS__REGISTRATION", "on_first_sync")`, on the kind of store that the
    /// environment of the tests asks for.
    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_on(new_database(), settings)
    }

    /// Starts a server with these settings on this database, or on SQLite in its folder.
    pub(crate) fn start_on(database: Option<TestDatabase>, settings: &[(&str, &str)]) -> Self {
        let mut server = Self::stopped_on(database, settings);
        server.restart();
        server
    }

    /// A server with these settings on this database, or on SQLite in its folder, that has yet to be started.
    pub(crate) fn stopped_on(database: Option<TestDatabase>, settings: &[(&str, &str)]) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .build()
            .into();
        Self {
            folder: TempDir::new().unwrap(),
            database,
            settings: owned(settings),
            process: None,
            agent,
        }
    }

    /// Kills the server if it runs, and starts it again on the same folder with these settings alone.
    pub(crate) fn restart_with(&mut self, settings: &[(&str, &str)]) {
        self.settings = owned(settings);
        self.restart();
    }

    /// Kills the server if it runs, and starts it again on the same folder.
    pub(crate) fn restart(&mut self) {
        if let Err(ended) = self.try_restart() {
            panic!("no server: {ended:?}");
        }
    }

    /// Kills the server if it runs, and tries to start it again on the same folder; tells how it ended where it did
    /// not start.
    pub(crate) fn try_restart(&mut self) -> Result<(), Finished> {
        self.kill();
        let mut command = self.command();
        command.env("CONVOSYNC__SERVER__PORT", "0");
        self.process = Some(Process::start(command)?);
        if let Some(database) = &self.database {
            database.count_from_here();
        }
        Ok(())
    }

    /// Starts another process on the same store with the same settings; at another node of it, where that is a cluster.
    pub(crate) fn neighbour(&self) -> Neighbour {
        let mut command = self.command();
        if let Some(database) = &self.database {
            let at_nodes = database.urls_of_nodes();
            command.env("CONVOSYNC__DATABASE__URL", at_nodes.last().expect("a node"));
        }
        command.env("CONVOSYNC__SERVER__PORT", "0");
        Neighbour(Process::start(command).expect("a server"))
    }

    /// The binary, to be run in the folder of the server and with its settings.
    pub(crate) fn command(&self) -> Command {
        let mut command = convosync(self.folder.path());
        if let Some(database) = &self.database {
            command.env("CONVOSYNC__DATABASE__URL", database.url());
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The database that the store is, if it is not SQLite.
    pub(crate) fn database(&self) -> Option<&TestDatabase> {
        self.database.as_ref()
    }

    /// The working folder; the store is in `data/convosync.db`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.process.as_ref().expect("the server runs").address
    }

    /// The URL without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The id of its process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.as_ref().expect("the server runs").child.id()
    }

    /// The most memory that the server has held so far, in MiB; none where the system does not tell.
    pub(crate) fn peak_memory(&self) -> Option<usize> {
        let pid = self.process_id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: usize = peak.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib / 1_024)
    }

    /// The processor time that the server has taken so far; none where the system does not tell.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let pid = self.process_id();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, numbers) = stat.rsplit_once(')')?;
        // In hundredths of a second: that of the program and that of the system on its behalf.
        let ticks = numbers.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Some(Duration::from_millis(10 * ticks))
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server runs").child.id()
    }

    /// What has come of the server's stderr since it was last started: all of it once it has ended;
    /// of one that runs, the last lines may be on their way
    /// ([`stderr_to_its_end`](Self::stderr_to_its_end)).
    pub(crate) fn stderr(&self) -> String {
        let process = self.process.as_ref().expect("the server was started");
        process.stderr.lock().unwrap().clone()
    }

    /// Stops the server, and gives all that it has written to stderr since it was last started.
    pub(crate) fn stderr_to_its_end(&mut self) -> String {
        self.stop();
        self.stderr()
    }

    /// GETs a path.
    pub(crate) fn get(&self, path: &str) -> Answer {
        Answer::of(self.agent.get(self.url() + path).call())
    }

    /// POSTs JSON to a path.
    pub(crate) fn post(&self, path: &str, body: &serde_json::Value) -> Answer {
        let request = self.agent.post(self.url() + path);
        let request = request.header("Content-Type", "application/json");
        Answer::of(request.send(body.to_string()))
    }

    /// Ends the server as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill();
        }
    }

    /// Sends a signal, `TERM` or `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process_id();
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {pid}")])
            .status();
        assert!(sent.unwrap().success(), "cannot send SIG{name}");
    }

    /// Waits until the server has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.as_mut().expect("the server runs").wait()
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// Returns once it listens, or how it ended before.
    fn start(mut command: Command) -> Result<Self, Finished> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let (listening, addresses) = mpsc::channel();
        let pipe = child.stderr.take().unwrap();
        let into = Arc::clone(&stderr);
        let collector = thread::spawn(move || collect(pipe, &into, &listening));
        let address = addresses.recv_timeout(TIMEOUT);
        let Ok(address) = address else {
            // One that ends by itself has closed its stderr first.
            let status = ended(&mut child).unwrap_or_else(|| {
                let _ = child.kill();
                child.wait().unwrap()
            });
            collector.join().unwrap();
            return Err(Finished {
                code: status.code(),
                stdout: String::new(),
                stderr: stderr.lock().unwrap().clone(),
            });
        };
        Ok(Self {
            child,
            address,
            stderr,
            collector: Some(collector),
        })
    }

    fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.collect_the_rest();
    }

    fn wait(&mut self) -> ExitStatus {
        let status = ended(&mut self.child).expect("the server stops");
        self.collect_the_rest();
        status
    }

    fn collect_the_rest(&mut self) {
        if let Some(collector) = self.collector.take() {
            collector.join().unwrap();
        }
    }
}

/// Waits until it has ended by itself.
fn ended(child: &mut Child) -> Option<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < TIMEOUT {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(10));
    }
    None
}

/// Keeps what is written, and tells the address when the server says that it listens.
fn collect(stderr: ChildStderr, into: &Mutex<String>, listening: &Sender<String>) {
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { break };
        into.lock().unwrap().push_str(&format!("{line}\n"));
        let address = LISTENING.iter().find_map(|begin| line.strip_prefix(begin));
        if let Some(address) = address {
            // Nobody waits for a second one.
            let _ = listening.send(address.to_owned());
        }
    }
}
