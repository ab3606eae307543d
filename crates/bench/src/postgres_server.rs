//! The PostgreSQL server that is measured: the one that `scripts/with-postgres` has started.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use postgres::{Client, NoTls};

use crate::process::Process;

const URL: &str = "CONVOSYNC_TEST_POSTGRES";

/// A running server, with all its processes.
#[derive(Debug)]
pub struct PostgresServer {
    url: String,
    postmaster: Process,
    databases: AtomicU32,
}

impl PostgresServer {
    /// The server that the environment names, if it names one.
    pub fn of_environment() -> Result<Option<Self>> {
        let Ok(url) = env::var(URL) else {
            return Ok(None);
        };
        let mut client = connect(&url)?;
        let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[])?.get(0);
        let postmaster = Process(u32::try_from(backend)?)
            .parent()
            .context("PostgreSQL runs on another machine, or in a container")?;
        Ok(Some(Self {
            url,
            postmaster,
            databases: AtomicU32::new(0),
        }))
    }

    /// Makes a database and returns its URL. It goes when the server goes.
    pub fn new_database(&self) -> Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("convosync_bench_{}_{number}", std::process::id());
        connect(&self.url)?.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        let (place, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let (place, _) = place
            .rsplit_once('/')
            .context("the URL names no database")?;
        Ok(format!("{place}/{name}?{query}"))
    }

    /// The processor time of all its processes, those that have ended included.
    pub fn cpu(&self) -> Result<Duration> {
        self.postmaster.cpu_of_tree()
    }
}

/// Connects to a database.
pub fn connect(url: &str) -> Result<Client> {
    Ok(Client::connect(url, NoTls)?)
}
