//! Rows as JSON, as `json_populate_recordset` takes them.

use std::io::Write as _;

use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use serde_json::Value;
use uuid::Uuid;

use convosync_domain::fields::PartId;
use convosync_domain::json::JsonValue;
use convosync_domain::patch::Extra;
use convosync_domain::posted::Digest;
use convosync_domain::timestamp::Timestamp;

use super::statements::ColumnsOfRows;
use crate::json_text;
use crate::types::client_id_text;

/// An array of objects with the names of the columns; what an object does not name is NULL.
#[derive(AsExpression, Clone, Debug)]
#[diesel(sql_type = Text)]
pub(super) struct JsonRows(String);

impl JsonRows {
    pub(super) fn of<C: ColumnsOfRows>(columns: &C) -> Self {
        let mut rows = String::from("[");
        for row in 0..columns.len() {
            rows.push_str(if row == 0 { "{" } else { ",{" });
            columns.write_row(
                row,
                &mut JsonRow {
                    out: &mut rows,
                    separator: "",
                },
            );
            rows.push('}');
        }
        rows.push(']');
        Self(rows)
    }
}

impl ToSql<Text, Pg> for JsonRows {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

/// An object that is being written.
pub(super) struct JsonRow<'o> {
    out: &'o mut String,
    separator: &'static str,
}

impl JsonRow<'_> {
    /// Writes the value of a column, unless it is NULL.
    pub(super) fn column(&mut self, name: &str, value: &impl ColumnJson) {
        if let Some(json) = value.json() {
            self.out.push_str(self.separator);
            self.separator = ",";
            self.out.push('"');
            self.out.push_str(name);
            self.out.push_str("\":");
            self.out.push_str(&json);
        }
    }
}

/// What stands in a column.
pub(super) trait ColumnJson {
    /// The value as JSON, of which PostgreSQL makes that of the column; nothing for NULL.
    fn json(&self) -> Option<String>;
}

impl<T: ColumnJson> ColumnJson for Option<T> {
    fn json(&self) -> Option<String> {
        self.as_ref()?.json()
    }
}

impl<T: ColumnJson> ColumnJson for &T {
    fn json(&self) -> Option<String> {
        (*self).json()
    }
}

macro_rules! column_json {
    ($( $value:ty: |$it:ident| $json:expr; )+) => { $(
        impl ColumnJson for $value {
            fn json(&self) -> Option<String> {
                let $it = self;
                Some($json)
            }
        }
    )+ };
}

column_json! {
    String: |text| json_text::string(text);
    i64: |number| number.to_string();
    u64: |number| number.to_string();
    f64: |number| Value::from(*number).to_string();
    bool: |value| value.to_string();
    Uuid: |id| json_text::string(&id.to_string());
    Timestamp: |moment| moment.as_micros().to_string();
    JsonValue: |value| json_text::string(value.as_str());
    PartId: |id| json_text::string(&client_id_text(id));
    Digest: |digest| format!("\"\\\\x{:032x}\"", u128::from_be_bytes(digest.0));
}

impl ColumnJson for Extra {
    fn json(&self) -> Option<String> {
        (!self.is_empty()).then(|| json_text::string(&json_text::object(self)))
    }
}
