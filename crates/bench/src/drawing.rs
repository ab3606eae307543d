//! Which plots the document has, and of which figures.

use std::path::Path;

use anyhow::Result;

use crate::figures::Measured;
use crate::growth::Grown;
use crate::pages::PAGE;
use crate::plots::{self, Line};
use crate::pocketbase::POCKETBASE;
use crate::posts::{self, CLIENTS, ON_POSTGRES, ON_SQLITE, SHAPES};
use crate::targets::{self, Bound};
use crate::turns::TURN;

/// Draws them into a folder.
pub fn draw(folder: &Path, measured: &Measured, grown: &[Grown]) -> Result<()> {
    let lines = Lines {
        measured,
        bounds: targets::bounds(),
    };
    let mut alone = Vec::new();
    let mut compared = Vec::new();
    for (shape, _) in SHAPES {
        let (new, again) = (posts::new(shape), posts::again(shape));
        for clients in CLIENTS {
            alone.extend(lines.find(ON_SQLITE, &new, clients));
        }
        alone.extend(lines.find(ON_SQLITE, &again, 8));
        for who in [ON_SQLITE, ON_POSTGRES, POCKETBASE] {
            compared.extend(lines.find(who, &new, 8));
        }
    }
    let mut reads = Vec::new();
    for what in [PAGE, TURN] {
        for who in [ON_SQLITE, ON_POSTGRES] {
            for clients in CLIENTS {
                reads.extend(lines.find(who, what, clients));
            }
        }
    }
    let axis = "CPU a message, times that of the floor (logarithmic; red: the bound)";
    let title = "Posting to SQLite beside the C API";
    plots::ratios(&folder.join("sqlite.svg"), title, axis, &alone)?;
    let title = "Stores and a peer, each beside its floor: the C API, or COPY";
    plots::ratios(&folder.join("stores.svg"), title, axis, &compared)?;
    let axis = "CPU an answer, times that of the floor or post alone (logarithmic; red: the bound)";
    let title = "Pages beside the C API, or libpq, and turns beside posts alone";
    plots::ratios(&folder.join("reads.svg"), title, axis, &reads)?;
    plots::growth(&folder.join("growth.svg"), grown)
}

/// Finds what is drawn.
struct Lines<'m> {
    measured: &'m Measured,
    bounds: Vec<Bound>,
}

impl Lines<'_> {
    fn find(&self, who: &str, what: &str, clients: usize) -> Option<Line> {
        let row = self.measured.find(who, what, clients)?;
        let by = match clients {
            1 => "1 client".to_owned(),
            clients => format!("{clients} clients"),
        };
        let bound = self.bounds.iter().find(|bound| bound.is_of(row));
        Some(Line {
            label: format!("{what}, {who}, {by}"),
            ratio: row.ratio?,
            bound: bound.map(|bound| bound.at_most),
        })
    }
}
