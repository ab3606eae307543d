use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::body::{BodySize, MessageBody as _};
use actix_web::test::TestRequest;
use convosync_domain::archive::{ArchivedConversation, ArchivedMessage};
use convosync_domain::conversation::Conversation;
use convosync_domain::identity::{ConversationId, MessageId};
use convosync_domain::json::JsonValue;
use convosync_domain::message::{Message, MessageFields};
use convosync_domain::ports::StoreError;
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::VisitorGone;
use uuid::Uuid;

use super::*;
use crate::answer::PIECE;
use crate::body::Body;
use crate::items::read_submission;
use crate::json::Leniency;
use crate::settings::Limits;
use crate::testing::logged::logged_by;
use crate::testing::served::{exchange, start};
use crate::testing::{Ports, get, named};

const URL: &str = "/api/visitors/export/?user_id=u";

fn message(number: u128, img: &str) -> ArchivedMessage {
    let metadata = JsonValue::parse("[\r\n1,\n\"\\n\"]").unwrap();
    let fields = MessageFields {
        img: Some(img.into()),
        metadata: Some(metadata),
        ..MessageFields::default()
    };
    ArchivedMessage {
        message: StoredMessage {
            id: MessageId::from_uuid(Uuid::from_u128(number)),
            history: MessageHistory::default(),
            content: Some(Box::new(Message {
                fields,
                request: None,
                response: None,
                output: None,
            })),
            digest: None,
        },
        change_number: 1,
    }
}

fn conversation(number: u128, messages: Vec<ArchivedMessage>) -> ArchivedConversation {
    ArchivedConversation {
        conversation: StoredConversation {
            id: ConversationId::from_uuid(Uuid::from_u128(number)),
            history: ConversationHistory::default(),
            content: Some(Conversation::default()),
        },
        change_number: 1,
        messages,
    }
}

fn dead(number: u128) -> ArchivedConversation {
    let mut archived = conversation(number, vec![]);
    archived.conversation.content = None;
    archived.conversation.history.erased_through = Timestamp::from_micros(1).ok();
    archived
}

type Page = Result<Vec<ArchivedConversation>, StoreError>;

/// Ports whose store has one page after the other, by how often it was asked; and that count.
fn exporting(page: impl Fn(usize) -> Page + Send + 'static) -> (Ports, Arc<AtomicUsize>) {
    let mut ports = Ports::with_known_visitor();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    ports
        .archive
        .expect_items()
        .returning(move |_, _, _| page(count.fetch_add(1, Ordering::Relaxed)));
    (ports, asked)
}

#[actix_web::test]
async fn everything_comes_in_lines_that_a_post_takes() {
    let pages = [
        vec![conversation(1, vec![message(1, "x")]), dead(2)],
        vec![conversation(3, vec![])],
        vec![],
    ];
    let (ports, _) = exporting(move |asked| Ok(pages[asked].clone()));
    let answer = ports.send(get(URL)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/x-ndjson"));
    assert_eq!(
        answer.header("Content-Disposition"),
        Some("attachment; filename=\"convosync-export.ndjson\"")
    );
    insta::assert_snapshot!(answer.body, @r#"
    {"conversations":[{"id":"00000000-0000-0000-0000-000000000001","messages":[{"message_id":"00000000-0000-0000-0000-000000000001","img":"x","metadata":[  1, "\n"]}]},{"id":"00000000-0000-0000-0000-000000000002","deleted_at":"1970-01-01T00:00:00.000001Z"}]}
    {"conversations":[{"id":"00000000-0000-0000-0000-000000000003","messages":[]}]}
    "#);
    for line in answer.body.lines() {
        let body = Body::new(line.into(), Limits::default(), 0).unwrap();
        let read = read_submission(&Arc::new(body), Leniency::STRICT);
        assert!(read.is_ok(), "{line}");
    }
}

#[actix_web::test]
async fn whoever_has_nothing_gets_nothing() {
    let (ports, _) = exporting(|_| Ok(vec![]));
    let answer = ports.send(get(URL)).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
}

#[actix_web::test]
async fn what_goes_wrong_at_first_is_answered() {
    for (ports, status) in [
        (exporting(|_| Err(failure())).0, 500),
        (
            {
                let mut ports = Ports::new();
                ports.visitors.expect_find().returning(|_| Ok(None));
                ports
            },
            404,
        ),
        (
            {
                let mut ports = Ports::new();
                let gone = |_| Err(StoreError::VisitorGone(VisitorGone::Erased));
                ports.visitors.expect_find().returning(gone);
                ports
            },
            410,
        ),
        (
            {
                let mut ports = Ports::with_known_visitor();
                ports.limits.reads_in_flight_bytes = 0;
                ports.archive.expect_items().returning(|_, _, _| Ok(vec![]));
                ports
            },
            200,
        ),
    ] {
        let answer = ports.send(get(URL)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

fn failure() -> StoreError {
    StoreError::Internal {
        source: "disk on fire".into(),
    }
}

#[actix_web::test]
async fn head_reads_nothing() {
    // (The archive may not be asked.)
    let request = named(TestRequest::with_uri(URL).method(Method::HEAD));
    let answer = Ports::with_known_visitor().send(request).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("Content-Length"), None);

    let (address, server) = start(Ports::with_known_visitor());
    let request = format!("HEAD {URL} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = exchange(&address, request).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "");
    assert!(
        head.contains("200 OK") && !head.contains("content-length"),
        "{head}"
    );
    server.stop(false).await;
}

#[actix_web::test]
async fn the_next_page_is_read_when_the_connection_has_taken_the_last() {
    let long = "x".repeat(100 << 10);
    let pages = [
        vec![conversation(1, vec![message(1, &long)])],
        vec![conversation(2, vec![])],
        vec![],
    ];
    let (ports, asked) = exporting(move |asked| Ok(pages[asked].clone()));
    let state = ports.into_state();
    let request = TestRequest::with_uri(URL)
        .app_data(state.clone())
        .to_http_request();
    let answer = export(state, request).await.unwrap();
    assert_eq!(answer.body().size(), BodySize::Stream);
    let mut body = answer.into_body();
    let mut taken = Vec::new();
    let mut reads = Vec::new();
    while let Some(piece) =
        std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_next(context)).await
    {
        taken.push(piece.unwrap().len());
        reads.push(asked.load(Ordering::Relaxed));
    }
    // What is short of the rest of the line, the line after it.
    assert_eq!(reads, [1, 1, 1, 1, 2]);
    assert!(taken.iter().all(|length| *length <= PIECE), "{taken:?}");
}

#[actix_web::test]
async fn a_store_that_fails_on_the_way_breaks_the_export_off() {
    // More than the server keeps back.
    let (ports, _) = exporting(|asked| match asked {
        0 => Ok(vec![conversation(
            1,
            vec![message(1, &"x".repeat(1 << 20))],
        )]),
        _ => Err(failure()),
    });
    let (address, server) = start(ports);
    let request = format!("GET {URL} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = exchange(&address, request).await;
    for part in ["200 OK", "transfer-encoding: chunked", "\"conversations\""] {
        assert!(answer.contains(part), "{} bytes", answer.len());
    }
    assert!(!answer.contains("\r\n0\r\n"));
    server.stop(false).await;
}

#[actix_web::test]
async fn what_breaks_an_export_off_is_in_the_log() {
    let (ports, _) = exporting(|asked| match asked {
        0 => Ok(vec![conversation(1, vec![])]),
        _ => Err(failure()),
    });
    let state = ports.into_state();
    let log = logged_by(async {
        let request = TestRequest::with_uri(URL)
            .insert_header(("X-Request-Id", "r"))
            .to_http_request();
        let answer = export(state, request).await.unwrap();
        assert!(actix_web::body::to_bytes(answer.into_body()).await.is_err());
    })
    .await;
    let line = log.lines().find(|line| line.contains("ERROR")).unwrap();
    assert!(line.contains("an export broke off"), "{line}");
    assert!(line.contains("disk on fire"), "{line}");
    assert!(line.contains(r#""request_id":"r""#), "{line}");
}
