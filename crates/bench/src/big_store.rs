//! A store of a million messages, in which pages, turns and pulls are measured: a hundred visitors with a
//! thousand conversations of ten messages each, who have posted in turns, ten conversations at a time. So
//! what a visitor's page shows lies in as many places of the store as it does in a real one. One more
//! visitor has a hundred thousand messages.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::bodies::Shape;
use crate::convosync::Convosync;
use crate::feed::Feed;
use crate::http::Client;
use crate::load::{self, visitor};
use crate::postgres_server::{PostgresServer, connect};
use crate::posts::{ON_POSTGRES, ON_SQLITE};
use crate::watched::Watched;

/// The visitors who have a million messages together.
pub const VISITORS: u64 = 100;
/// Posts that each of them has made.
pub const POSTS: u64 = 100;
/// What each post has.
pub const SHAPE: Shape = Shape::new(10, 10);
/// The messages of the one visitor who has more.
pub const MANY: u64 = 100_000;

const CLIENTS: usize = 8;

/// The store and its server.
#[derive(Debug)]
pub struct BigStore<'d> {
    who: &'static str,
    server: Convosync,
    database: Option<&'d PostgresServer>,
    /// Where its rows are.
    pub place: Place,
}

/// Where the rows of a store are.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a file of SQLite.
    File(PathBuf),
    /// In a database of this URL.
    Database(String),
}

impl<'d> BigStore<'d> {
    /// Fills a new file in a folder.
    pub fn on_sqlite(program: &Path, folder: &Path) -> Result<Self> {
        let server = Convosync::on_sqlite(program, folder)?;
        let store = Self {
            who: ON_SQLITE,
            server,
            database: None,
            place: Place::File(folder.join("convosync.db")),
        };
        store.fill()?;
        Ok(store)
    }

    /// Fills a new database.
    pub fn on_postgres(program: &Path, database: &'d PostgresServer) -> Result<Self> {
        let url = database.new_database()?;
        let store = Self {
            who: ON_POSTGRES,
            server: Convosync::start(program, &url)?,
            database: Some(database),
            place: Place::Database(url.clone()),
        };
        store.fill()?;
        // It would begin by itself soon, while something is measured.
        let mut client = connect(&url)?;
        for statement in ["VACUUM ANALYZE", "CHECKPOINT"] {
            client.batch_execute(statement)?;
        }
        Ok(store)
    }

    /// Posting to the server is as fast as any program that keeps what the server keeps.
    fn fill(&self) -> Result<()> {
        self.server.register_visitors()?;
        let bodies = VISITORS * POSTS;
        let many = MANY / u64::try_from(SHAPE.messages_a_body())?;
        let whom = |number| {
            if number < bodies {
                visitor(number % VISITORS)
            } else {
                self.who_has_many()
            }
        };
        let host = self.server.host();
        load::post_to(host, CLIENTS, SHAPE, 0..bodies + many, whom)
            .with_context(|| format!("{}:\n{}", self.who, self.server.complaints()))?;
        Ok(())
    }

    /// The visitor who has more messages than the others.
    pub fn who_has_many(&self) -> String {
        visitor(VISITORS)
    }

    /// The changes of the first so many visitors.
    pub fn feeds(&self, visitors: u64) -> Result<Vec<Feed>> {
        let mut client = Client::connect(self.server.host())?;
        let feeds = (0..visitors).map(|number| Feed::ask(&mut client, number));
        feeds.collect()
    }

    /// Its server, under its name.
    pub fn watched(&self) -> Watched<'d> {
        Watched::convosync(self.who, &self.server, self.database)
    }

    /// The last warnings in the server's log.
    pub fn complaints(&self) -> String {
        self.server.complaints()
    }
}
