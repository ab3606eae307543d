//! What a message costs as the store grows.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::bodies::Shape;
use crate::convosync::Convosync;
use crate::figures::Figures;
use crate::posts::{ON_SQLITE, post};

const SHAPE: Shape = Shape::new(10, 10);
const CLIENTS: usize = 8;
/// How many bodies are measured at each size.
const BODIES: u64 = 500;

/// A size of the store, and what messages cost there.
#[derive(Clone, Debug)]
pub struct Grown {
    /// Messages in the store before.
    pub messages: u64,
    /// What more messages cost.
    pub figures: Figures,
    /// How long the file is after that, in bytes.
    pub file_bytes: u64,
}

/// Fills a store with so many messages and measures at equal steps.
pub fn measure(program: &Path, messages: u64, steps: u64) -> Result<Vec<Grown>> {
    let folder = tempfile::tempdir()?;
    let server = Convosync::on_sqlite(program, folder.path())?;
    server.register_visitors()?;
    let a_body = u64::try_from(SHAPE.messages_a_body())?;
    let mut posted = 0;
    let mut grown = Vec::new();
    for step in 0..=steps {
        let wanted = messages * step / steps / a_body;
        let mut post_up_to = |bodies: u64| {
            let numbers = posted..bodies.max(posted);
            posted = numbers.end;
            let what = format!("{SHAPE} new");
            post(ON_SQLITE, &what, &server, None, CLIENTS, SHAPE, numbers)
        };
        if wanted > 0 {
            post_up_to(wanted)?;
        }
        grown.push(Grown {
            messages: wanted * a_body,
            figures: post_up_to(wanted + BODIES)?,
            file_bytes: fs::metadata(folder.path().join("convosync.db"))?.len(),
        });
    }
    Ok(grown)
}
