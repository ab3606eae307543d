//! The tables, in Markdown: the same on the terminal and in `docs/performance.md`.

use std::fmt::Write as _;

use crate::figures::{Figures, Measured};
use crate::growth::Grown;
use crate::pages::PAGE;
use crate::posts::{COPY_FLOOR, ON_SQLITE, SQLITE_FLOOR};
use crate::pulls::PULL;
use crate::streams;
use crate::targets::Target;
use crate::turns::{ALONE, TURN};

/// A table with a name, by which the document finds its place.
#[derive(Clone, Debug)]
pub struct Table {
    /// The name.
    pub name: &'static str,
    /// Its lines.
    pub text: String,
}

/// Posting and what it cost beside the floor of the store.
pub fn posts(name: &'static str, contenders: &[&str], measured: &Measured) -> Table {
    let mut text = String::from(
        "| body | who | clients | CPU µs a message | ÷ floor | messages/s | p50 ms | p99 ms | max ms | peak MiB |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let is_post = |row: &&Figures| contenders.contains(&row.who) && load(row) == Load::Posts;
    for row in measured.rows.iter().filter(is_post) {
        let (ratio, clients) = (ratio(row), clients(row));
        line(
            &mut text,
            &[
                &row.what,
                row.who,
                &clients,
                &cpu(row),
                &ratio,
                &grouped(row.rate),
            ],
            row,
        );
    }
    Table { name, text }
}

/// Getting and what it cost beside a bare handler.
pub fn reads(measured: &Measured) -> Table {
    let mut text = String::from(
        "| request | who | clients | CPU µs an answer | answers/s | ÷ bare | p50 ms | p99 ms | max ms | peak MiB |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in of(Load::Reads, measured) {
        let ratio = ratio(row);
        let clients = row.clients.to_string();
        line(
            &mut text,
            &[
                &row.what,
                row.who,
                &clients,
                &cpu(row),
                &grouped(row.rate),
                &ratio,
            ],
            row,
        );
    }
    Table {
        name: "reads",
        text,
    }
}

/// Pages and what they cost beside a floor, or turns and what they cost beside posts alone.
fn beside(name: &'static str, heads: &str, all: Load, measured: &Measured) -> Table {
    let mut text = format!(
        "| {heads} | answers/s | p50 ms | p99 ms | max ms | peak MiB |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in of(all, measured) {
        let (ratio, clients, rate) = (ratio(row), clients(row), grouped(row.rate));
        let cells = [&row.what, row.who, &clients, &cpu(row), &ratio, &rate];
        line(&mut text, &cells, row);
    }
    Table { name, text }
}

/// Pages of changes and what they cost beside a floor.
pub fn pages(measured: &Measured) -> Table {
    let heads = "request | who | clients | CPU µs an answer | ÷ floor";
    beside("pages", heads, Load::Pages, measured)
}

/// Turns and what they cost beside posts alone.
pub fn turns(measured: &Measured) -> Table {
    let heads = "post | who | clients | CPU µs an answer | ÷ alone";
    beside("turns", heads, Load::Turns, measured)
}

/// Posts beside idle streams, and what they cost beside the same without.
pub fn streams(measured: &Measured) -> Table {
    let heads = "post | who | clients | CPU µs a message | ÷ without";
    beside("streams", heads, Load::Streams, measured)
}

/// First pulls.
pub fn pulls(measured: &Measured) -> Table {
    let mut text = String::from(
        "| what | who | CPU µs a MB | MB/s | p50 ms a page | p99 ms | max ms | peak MiB |\n\
         |---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in of(Load::Pulls, measured) {
        let rates = row.rates.map_or("-".to_owned(), |rates| rates.to_string());
        line(&mut text, &[&row.what, row.who, &cpu(row), &rates], row);
    }
    Table {
        name: "pulls",
        text,
    }
}

/// What messages cost as the store grows.
pub fn growth(grown: &[Grown]) -> Table {
    let mut text = String::from(
        "| messages stored | file in MiB | CPU µs a message | ÷ empty | messages/s | p50 ms | p99 ms | max ms | peak MiB |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let empty = grown.first().map_or(1.0, |first| first.figures.cpu);
    for step in grown {
        let figures = &step.figures;
        line(
            &mut text,
            &[
                &grouped(step.messages as f64),
                &grouped((step.file_bytes >> 20) as f64),
                &cpu(figures),
                &format!("{:.2}", figures.cpu / empty),
                &grouped(figures.rate),
            ],
            figures,
        );
    }
    Table {
        name: "growth",
        text,
    }
}

/// What has to be reached.
pub fn targets(targets: &[Target]) -> Table {
    let mut text = String::from("| target | bound | measured | |\n|---|---:|---:|---|\n");
    for target in targets {
        let sign = if target.at_most { "≤" } else { "≥" };
        let met = if target.is_met() {
            "met"
        } else {
            "**not met**"
        };
        let (what, bound, measured) = (&target.what, target.bound, target.measured);
        push(
            &mut text,
            format_args!("| {what} | {sign} {bound:.2} | {measured} | {met} |\n"),
        );
    }
    Table {
        name: "targets",
        text,
    }
}

/// Whose rows the table of posts on SQLite has, PocketBase's among them.
pub const OF_SQLITE: [&str; 3] = [SQLITE_FLOOR, ON_SQLITE, crate::pocketbase::POCKETBASE];
/// Whose rows the table of posts on PostgreSQL has.
pub const OF_POSTGRES: [&str; 2] = [COPY_FLOOR, crate::posts::ON_POSTGRES];

fn line(text: &mut String, first: &[&str], row: &Figures) {
    for cell in first {
        push(text, format_args!("| {cell} "));
    }
    for latency in row.latency.map_or([None; 3], |all| all.map(Some)) {
        match latency {
            Some(latency) => push(text, format_args!("| {latency:.2} ")),
            None => text.push_str("| - "),
        }
    }
    match row.peak_memory {
        Some(bytes) => push(text, format_args!("| {} |\n", bytes >> 20)),
        None => text.push_str("| - |\n"),
    }
}

fn ratio(row: &Figures) -> String {
    row.ratio.map_or("-".to_owned(), |ratio| ratio.to_string())
}

fn clients(row: &Figures) -> String {
    row.latency
        .map_or("-".to_owned(), |_| row.clients.to_string())
}

/// What a row is about, and so in which table it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Posts,
    Reads,
    Pages,
    Turns,
    Pulls,
    Streams,
}

fn load(row: &Figures) -> Load {
    match row.what.as_str() {
        PAGE => Load::Pages,
        TURN | ALONE => Load::Turns,
        PULL => Load::Pulls,
        streams::ALONE | streams::BESIDE => Load::Streams,
        what if what.starts_with("GET") => Load::Reads,
        _ => Load::Posts,
    }
}

fn of(all: Load, measured: &Measured) -> impl Iterator<Item = &Figures> {
    measured.rows.iter().filter(move |row| load(row) == all)
}

fn cpu(row: &Figures) -> String {
    if row.database_cpu > 0.0 {
        format!("{:.1} (database {:.1})", row.cpu, row.database_cpu)
    } else {
        format!("{:.1}", row.cpu)
    }
}

/// A whole number with a comma between thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [
            (0.4, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
