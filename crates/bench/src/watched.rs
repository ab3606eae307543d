//! A server under load, with all processes that work for it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;

use crate::convosync::Convosync;
use crate::figures::{Figures, Spent};
use crate::load::Load;
use crate::postgres_server::PostgresServer;
use crate::process::Process;

/// What is measured under its name.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// The name.
    pub who: &'static str,
    /// Where it listens.
    pub host: SocketAddr,
    /// Its process.
    pub process: Process,
    /// The database that works for it, if that is another process.
    pub database: Option<&'a PostgresServer>,
}

impl<'a> Watched<'a> {
    /// A Convosync server.
    pub fn convosync(
        who: &'static str,
        server: &Convosync,
        database: Option<&'a PostgresServer>,
    ) -> Self {
        Self {
            who,
            host: server.host(),
            process: server.process(),
            database,
        }
    }

    /// Measures what a load takes, which tells how many units it had.
    pub fn measure(
        &self,
        what: &str,
        clients: usize,
        load: impl FnOnce() -> Result<(Load, usize)>,
    ) -> Result<Figures> {
        let database_cpu = || {
            self.database
                .map_or(Ok(Duration::ZERO), PostgresServer::cpu)
        };
        let before = (self.process.cpu()?, database_cpu()?);
        let (load, units) = load()?;
        let spent = Spent {
            units,
            cpu: self.process.cpu()? - before.0,
            database_cpu: database_cpu()?.saturating_sub(before.1),
            peak_memory: Some(self.process.peak_memory()?),
        };
        Ok(Figures::of(
            self.who,
            what.to_owned(),
            clients,
            &load,
            spent,
        ))
    }
}
