//! Posts that are turns: with `since` in their URL.

use convosync_application::cursor::Cursor;
use convosync_domain::feed::{ChangesPage, FeedPosition, PageRead};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::ports::Heads;
use uuid::Uuid;

use crate::testing::{Answer, Ports, post};

const BODY: &str = r#"{"conversations":[{"id":"c","messages":[{"message_id":"m"}]}]}"#;

fn cursor(since: u64, epoch: u128) -> String {
    let visitor = VisitorId::from(&VisitorIdentity::anonymous("a").unwrap());
    let position = FeedPosition {
        since,
        dead_left_out_through: None,
        last: None,
    };
    let epoch = Uuid::from_u128(epoch);
    Cursor { epoch, position }.encode(visitor)
}

/// Ports whose visitor is at change 3, and whose feed is empty at change 4.
fn ports() -> Ports {
    let mut ports = Ports::with_known_visitor();
    ports.sync.expect_heads().returning(|_, _| {
        Ok(Some(Heads {
            change_counter: 3,
            conversations: Vec::new(),
        }))
    });
    ports.sync.expect_commit().returning(|_, _| Ok(4));
    ports
}

async fn send(ports: Ports, parameters: &str) -> Answer {
    let url = format!("/api/sync-conversations/?anon_id=a{parameters}");
    ports.send(post(&url, BODY)).await
}

#[actix_web::test]
async fn a_turn_is_answered_with_the_page_after_it() {
    for (since, position, limit) in [
        // What others delete between the post and the page is told, or a device would keep what it was told of or has.
        (String::new(), (0, Some(4)), 500),
        (format!("{}&limit=7", cursor(2, 5)), (2, None), 7),
    ] {
        let mut ports = ports();
        ports
            .feed
            .expect_changes()
            .withf(move |_, request, _| {
                let asked = request.position.unwrap();
                let asked = (asked.since, asked.dead_left_out_through);
                (asked, request.limit, request.left_out.through) == (position, limit, 4)
            })
            .once()
            .returning(|_, _, admit| {
                assert!(admit(10));
                Ok(Some(PageRead::Page(ChangesPage {
                    conversations: Vec::new(),
                    next: FeedPosition {
                        since: 4,
                        dead_left_out_through: None,
                        last: None,
                    },
                    has_more: false,
                    change_counter: 4,
                })))
            });
        let answer = send(ports, &format!("&since={since}")).await;
        assert_eq!(answer.status, 200);
        let expected = format!(
            r#"{{"message":"1 conversations created, 0 updated. 1 messages created, 0 updated.","created":1,"updated":0,"messages_created":1,"messages_updated":0,"conversations":[],"cursor":"{}","has_more":false}}"#,
            cursor(4, 5)
        );
        assert_eq!(answer.body, expected);
    }
}

#[actix_web::test]
async fn a_bad_cursor_is_told_before_anything_is_stored() {
    for (since, status, code) in [
        ("x".to_owned(), 400, "invalid_cursor"),
        ("%zz".to_owned(), 400, "invalid_cursor"),
        (format!("{}&limit=0", cursor(1, 5)), 400, "invalid_limit"),
        (
            format!("&since={}", cursor(1, 5)),
            400,
            "repeated_parameter",
        ),
        (cursor(1, 6), 410, "cursor_expired"),
        (cursor(4, 5), 410, "cursor_expired"),
    ] {
        let mut ports = Ports::with_known_visitor();
        ports.sync.expect_heads().returning(|_, _| {
            Ok(Some(Heads {
                change_counter: 3,
                conversations: Vec::new(),
            }))
        });
        // Nothing may be committed.
        let answer = send(ports, &format!("&since={since}")).await;
        assert_eq!(answer.status, status, "{since}");
        assert!(answer.body.contains(code), "{}", answer.body);
    }
}

#[actix_web::test]
async fn a_turn_that_finds_no_memory_for_its_page_is_told_to_come_again() {
    let mut ports = ports();
    ports.limits.reads_in_flight_bytes = 5;
    ports
        .feed
        .expect_changes()
        .returning(|_, _, _| Ok(Some(PageRead::NotAdmitted)));
    let answer = send(ports, "&since=").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("Retry-After"), Some("1"));
}

/// Only a turn has to name a limit that is one.
#[actix_web::test]
async fn a_limit_without_a_cursor_is_ignored() {
    let answer = send(ports(), "&limit=0").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("cursor"), "{}", answer.body);
}
