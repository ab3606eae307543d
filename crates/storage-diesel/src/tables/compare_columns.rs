//! Whether the columns that are declared are those that the migrations make.

use std::collections::{BTreeMap, BTreeSet};

/// The columns of each table, by name.
#[derive(Debug, Default)]
pub(crate) struct Columns(BTreeMap<String, BTreeSet<String>>);

impl Columns {
    pub(crate) fn add<'a>(&mut self, table: &str, columns: impl IntoIterator<Item = &'a str>) {
        let of_table = self.0.entry(table.to_owned()).or_default();
        of_table.extend(columns.into_iter().map(str::to_owned));
    }

    fn missing_in<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = String> + 'a {
        self.0.iter().flat_map(move |(table, columns)| {
            let others = other.0.get(table);
            let is_missing =
                move |column: &&String| others.is_none_or(|others| !others.contains(*column));
            let missing = columns.iter().filter(is_missing);
            missing.map(move |column| format!("{table}.{column}"))
        })
    }
}

/// Names each column that is on one side only, and shows both sides.
pub(crate) fn differences(declared: &Columns, migrated: &Columns) -> Vec<String> {
    let in_no_migration = declared.missing_in(migrated);
    let undeclared = migrated.missing_in(declared);
    in_no_migration
        .map(|column| format!("{column} is declared, and no migration makes it"))
        .chain(
            undeclared.map(|column| format!("{column} is made by a migration, and not declared")),
        )
        .collect()
}

/// Fails with the name of each column that is on one side only, beside all columns of both.
pub(crate) fn assert_same(declared: &Columns, migrated: &Columns) {
    let differences = differences(declared, migrated);
    let (declared, migrated) = (&declared.0, &migrated.0);
    assert!(
        differences.is_empty(),
        "{differences:#?}\ndeclared: {declared:#?}\nmigrated: {migrated:#?}"
    );
}

#[test]
fn what_is_on_one_side_only_is_named() {
    let (mut declared, mut migrated) = (Columns::default(), Columns::default());
    declared.add("messages", ["id", "new"]);
    migrated.add("messages", ["id", "old"]);
    migrated.add("keys", ["id"]);
    assert_eq!(
        differences(&declared, &migrated),
        [
            "messages.new is declared, and no migration makes it",
            "keys.id is made by a migration, and not declared",
            "messages.old is made by a migration, and not declared",
        ]
    );
}
