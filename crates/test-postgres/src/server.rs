//! Servers: the one that tests share, and those of a test's own.

use std::collections::HashMap;
use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::database::{TestDatabase, sweep};

const URL: &str = "CONVOSYNC_TEST_POSTGRES";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/with-postgres");

/// A running PostgreSQL server.
#[derive(Debug)]
pub struct TestServer {
    /// What the script that started it says of it.
    variables: HashMap<String, String>,
    /// The script, which ends the server when its stdin ends: with this value, or with this process,
    /// however that ends. None of a server that was given.
    script: Option<Child>,
}

impl TestServer {
    /// The server of all tests.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestServer> = OnceLock::new();
        let given = || env::var(URL).ok().filter(|url| !url.is_empty());
        SHARED.get_or_init(|| match given() {
            Some(url) => {
                sweep(&url);
                Self {
                    variables: HashMap::from([(URL.to_owned(), url)]),
                    script: None,
                }
            }
            None => Self::start_with(&[]),
        })
    }

    /// A server of the test's own, which may be stopped.
    pub fn private() -> Self {
        Self::start_with(&[("CONVOSYNC_TEST_POSTGRES_PRIVATE", "1")])
    }

    /// A server of the test's own that also listens on 127.0.0.1 and speaks TLS.
    pub fn private_with_tls() -> Self {
        Self::start_with(&[
            ("CONVOSYNC_TEST_POSTGRES_PRIVATE", "1"),
            ("CONVOSYNC_TEST_POSTGRES_TLS", "1"),
        ])
    }

    fn start_with(settings: &[(&str, &str)]) -> Self {
        let mut script = Command::new(SCRIPT)
            .args([
                "sh",
                "-c",
                "env | grep ^CONVOSYNC_TEST_POSTGRES; echo; cat >/dev/null",
            ])
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/with-postgres can be run");
        let said = BufReader::new(script.stdout.take().expect("it is piped"));
        let variables: HashMap<_, _> = said
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .filter_map(|line| {
                let (name, value) = line.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            })
            .collect();
        assert!(variables.contains_key(URL), "PostgreSQL does not start");
        Self {
            variables,
            script: Some(script),
        }
    }

    fn variable(&self, name: &str) -> &str {
        self.variables.get(name).expect("the server has it")
    }

    /// The URL of a database that is always there, as the superuser.
    pub fn url(&self) -> &str {
        self.variable(URL)
    }

    /// The port on 127.0.0.1 of a server that speaks TLS.
    pub fn port(&self) -> &str {
        self.variable("CONVOSYNC_TEST_POSTGRES_PORT")
    }

    /// The file of the certificate of a server that speaks TLS, which is its own root.
    pub fn certificate(&self) -> &str {
        self.variable("CONVOSYNC_TEST_POSTGRES_CERTIFICATE")
    }

    /// A new database, which is gone when the value goes.
    pub fn new_database(&self) -> TestDatabase {
        TestDatabase::create(self.url())
    }

    /// The same, which is of no cluster until [`TestDatabase::join_cluster`].
    pub fn new_database_alone(&self) -> TestDatabase {
        TestDatabase::create_alone(self.url())
    }

    /// Ends a server of the test's own as a crash would.
    pub fn stop_at_once(&self) {
        self.control(&["stop", "-m", "immediate"]);
    }

    /// Starts it again.
    pub fn start(&self) {
        self.control(&["start"]);
    }

    fn control(&self, arguments: &[&str]) {
        let program = self.variable("CONVOSYNC_TEST_POSTGRES_CTL");
        let done = Command::new(program).args(arguments).status();
        assert!(done.unwrap().success(), "pg_ctl {arguments:?} failed");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(script) = &mut self.script {
            drop(script.stdin.take());
            // It has nothing to say that anybody would wait for.
            let _ = script.wait();
        }
    }
}
