//! How the values of rows stand in SQLite.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;

use convosync_domain::fields::PartId;
use convosync_domain::json::JsonValue;
use convosync_domain::message::{MessageOutput, MessageRequest};
use convosync_domain::patch::Extra;

use diesel::sql_types::Nullable;

use crate::sqlite::migrate::new_schema;
use crate::sqlite::schema::{OutputRow, RequestRow, message_outputs, message_requests};
use crate::sqlite::statements::{StoredRow as _, insert};
use crate::tables::read_row::{CorruptColumn, RowKey};

fn without_messages() -> SqliteConnection {
    let mut connection = new_schema();
    connection
        .batch_execute("PRAGMA foreign_keys = OFF")
        .unwrap();
    connection
}

fn stored(connection: &mut SqliteConnection, what: &str) -> Option<String> {
    let value = format!("(SELECT {what})");
    diesel::select(sql::<Nullable<Text>>(&value))
        .get_result(connection)
        .unwrap()
}

#[test]
fn the_id_of_a_part_is_json_text() {
    let mut connection = without_messages();
    for (id, client_id, text) in [
        (1, None, None),
        (
            2,
            Some(PartId::Number(i64::MIN)),
            Some("-9223372036854775808"),
        ),
        (3, Some(PartId::Text("1".to_owned())), Some("\"1\"")),
        (
            4,
            Some(PartId::Text("a\"\\\n".to_owned())),
            Some(r#""a\"\\\n""#),
        ),
    ] {
        let request = MessageRequest {
            id: client_id,
            ..MessageRequest::default()
        };
        let row = RequestRow { id, request };
        insert(&row, &mut connection).unwrap();
        let column = format!("client_id FROM message_requests WHERE id = {id}");
        assert_eq!(stored(&mut connection, &column).as_deref(), text);
        let read: RequestRow = message_requests::table
            .find(id)
            .get_result(&mut connection)
            .unwrap();
        assert_eq!(read, row);
    }
}

#[test]
fn unknown_fields_are_one_json_object_or_null() {
    let mut connection = without_messages();
    let digits = JsonValue::parse("0.1000000000000000055").unwrap();
    for (id, extra, text) in [
        (1, Extra::new(), None),
        (
            2,
            Extra::from([("b".to_owned(), digits.clone()), ("a".to_owned(), digits)]),
            Some(r#"{"a":0.1000000000000000055,"b":0.1000000000000000055}"#),
        ),
    ] {
        let output = MessageOutput {
            extra,
            ..MessageOutput::default()
        };
        let row = OutputRow { id, output };
        insert(&row, &mut connection).unwrap();
        let column = format!("extra FROM message_outputs WHERE id = {id}");
        assert_eq!(stored(&mut connection, &column).as_deref(), text);
        let read: OutputRow = message_outputs::table
            .find(id)
            .get_result(&mut connection)
            .unwrap();
        assert_eq!(read, row);
    }
}

#[test]
fn a_column_that_few_rows_use_is_stored_whatever_else_is_empty() {
    let mut connection = without_messages();
    let json = || Some(JsonValue::parse("[]").unwrap());
    let requests = [
        MessageRequest::default(),
        MessageRequest {
            request_n: Some(1),
            ..MessageRequest::default()
        },
        MessageRequest {
            request_stop: json(),
            ..MessageRequest::default()
        },
        MessageRequest {
            extra: Extra::from([("a".to_owned(), json().unwrap())]),
            ..MessageRequest::default()
        },
    ];
    for (request, has_seldom) in requests.into_iter().zip([false, true, true, true]) {
        let row = RequestRow { id: 1, request };
        assert_eq!(row.has_seldom(), has_seldom);
        connection
            .batch_execute("DELETE FROM message_requests")
            .unwrap();
        insert(&row, &mut connection).unwrap();
        let read: RequestRow = message_requests::table
            .find(1_i64)
            .get_result(&mut connection)
            .unwrap();
        assert_eq!(read, row);
    }
}

#[test]
fn a_column_that_cannot_be_read_is_named() {
    let mut connection = without_messages();
    for (row, column) in [
        ("client_id) VALUES (7, 'x'", "client_id"),
        ("client_id) VALUES (7, '\"\"'", "client_id"),
        ("request_stop) VALUES (7, '[1,'", "request_stop"),
        (
            "request_model) VALUES (7, CAST(x'ff' AS TEXT)",
            "request_model",
        ),
        ("extra) VALUES (7, '[]'", "extra"),
    ] {
        connection
            .batch_execute(&format!(
                "DELETE FROM message_requests; INSERT INTO message_requests (id, {row})"
            ))
            .unwrap();
        let read = message_requests::table.get_result::<RequestRow>(&mut connection);
        let Err(diesel::result::Error::DeserializationError(error)) = read else {
            panic!("{column} was read: {read:?}");
        };
        let corrupt: &CorruptColumn = error.downcast_ref().unwrap();
        assert_eq!(
            (corrupt.table, corrupt.column, corrupt.key),
            ("message_requests", column, RowKey::Number(7))
        );
    }
}
