//! `docs/performance.md`: what is written by hand stays, what is measured is put in its places.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::report::Table;

/// Puts the tables into the document, each between the comments of its name.
pub fn update(path: &Path, tables: &[Table]) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let updated = tables
        .iter()
        .try_fold(text, |text, table| put(&text, table))?;
    Ok(fs::write(path, updated)?)
}

fn put(text: &str, table: &Table) -> Result<String> {
    let begin = format!("<!-- measured: {} -->", table.name);
    let no_place = || format!("the document has no place {begin}");
    let (before, rest) = text.split_once(&begin).with_context(no_place)?;
    let (_, after) = rest.split_once("<!-- end -->").with_context(no_place)?;
    let table = table.text.trim_end();
    Ok(format!("{before}{begin}\n{table}\n<!-- end -->{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_one_before() {
        let table = Table {
            name: "reads",
            text: "new\n".to_owned(),
        };
        let text = "a\n<!-- measured: reads -->\nold\n<!-- end -->\nb <!-- end -->\n";
        let put_once = put(text, &table).unwrap();
        assert_eq!(
            put_once,
            "a\n<!-- measured: reads -->\nnew\n<!-- end -->\nb <!-- end -->\n"
        );
        assert_eq!(put(&put_once, &table).unwrap(), put_once);
        assert!(put("nothing", &table).is_err());
    }
}
