//! Tables for people.

use std::iter;

/// A line of titles and one for each row below it; columns are as wide as what they hold.
pub(super) struct Table<const COLUMNS: usize> {
    /// Until they are shown.
    titles: Option<[String; COLUMNS]>,
    widths: [usize; COLUMNS],
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(super) fn new(titles: [&str; COLUMNS]) -> Self {
        Self {
            titles: Some(titles.map(str::to_owned)),
            widths: [0; COLUMNS],
        }
    }

    /// The lines of these rows, below the titles if they come first. Columns never become narrower again.
    pub(super) fn lines(&mut self, rows: impl Iterator<Item = [String; COLUMNS]>) -> String {
        let lines: Vec<_> = self.titles.take().into_iter().chain(rows).collect();
        for line in &lines {
            for (width, cell) in iter::zip(&mut self.widths, line) {
                *width = cell.chars().count().max(*width);
            }
        }
        let shown = lines.iter().map(|line| {
            let cells = iter::zip(line, self.widths);
            let cells: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        });
        shown.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_they_hold_so_far() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        let mut table = Table::new(["A", "LONG"]);
        let first = table.lines([row(["ä1", ""]), row(["", "x"])].into_iter());
        assert_eq!(first, "A   LONG\nä1\n    x");
        assert_eq!(table.lines([row(["1", "2"])].into_iter()), "1   2");
        assert_eq!(table.lines(iter::empty()), "");
    }
}
