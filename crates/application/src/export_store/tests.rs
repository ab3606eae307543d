use std::convert::Infallible;

use convosync_domain::identity::ConversationId;
use convosync_domain::ports::MockStoreArchive;
use convosync_domain::stored::{ConversationHistory, StoredConversation};
use convosync_domain::timestamp::Timestamp;
use mockall::predicate::eq;
use uuid::Uuid;

use super::*;

fn visitor(id: u128, change_counter: u64) -> ArchivedVisitor {
    ArchivedVisitor {
        id: VisitorId::from_uuid(Uuid::from_u128(id)),
        user_id: None,
        registered_at: Timestamp::from_micros(1).unwrap(),
        change_counter,
    }
}

fn conversation(id: u128) -> ArchivedConversation {
    ArchivedConversation {
        conversation: StoredConversation {
            id: ConversationId::from_uuid(Uuid::from_u128(id)),
            history: ConversationHistory::default(),
            content: None,
        },
        change_number: 1,
        messages: Vec::new(),
    }
}

/// A store with these visitors, who have conversations 1 and 2 in a page each; the first is told to
/// have this counter when it is looked at again.
fn store(visitors: Vec<ArchivedVisitor>, counter_afterwards: u64) -> MockStoreArchive {
    let mut store = MockStoreArchive::new();
    store.expect_items().returning(|_, after, limit| {
        assert_eq!(limit, LINE_ITEMS);
        let after = after.map_or(0, |place| place.conversation.as_uuid().as_u128());
        Ok((after < 2)
            .then(|| conversation(after + 1))
            .into_iter()
            .collect())
    });
    let all = visitors.clone();
    store
        .expect_visitors()
        .withf(|_, limit| *limit == PAGE_VISITORS)
        .returning(move |after, _| {
            Ok(all
                .iter()
                .filter(|it| Some(it.id) > after)
                .cloned()
                .collect())
        });
    store
        .expect_visitors()
        .with(mockall::predicate::always(), eq(1))
        .returning(move |after, _| {
            let mut found = visitors.iter().find(|it| Some(it.id) > after).cloned();
            if let Some(found) = &mut found {
                found.change_counter = counter_afterwards;
            }
            Ok(found.into_iter().collect())
        });
    store
}

fn shown(line: &ArchiveLine) -> (u128, Vec<u128>) {
    let ids = line.conversations.iter();
    let ids = ids.map(|it| it.conversation.id.as_uuid().as_u128());
    (line.visitor.id.as_uuid().as_u128(), ids.collect())
}

async fn export(
    store: MockStoreArchive,
    after: Option<ExportPlace>,
) -> (Result<(), ExportError<Infallible>>, Vec<(u128, Vec<u128>)>) {
    let mut lines = Vec::new();
    let export = ExportStore::new(Arc::new(store));
    let done = export.run(after, |line| {
        lines.push(shown(line));
        Ok(())
    });
    let done = done.await;
    (done, lines)
}

#[tokio::test]
async fn every_visitor_comes_page_by_page() {
    let (done, lines) = export(store(vec![visitor(5, 2), visitor(9, 2)], 2), None).await;
    done.unwrap();
    let expected = [(5, vec![1]), (5, vec![2]), (9, vec![1]), (9, vec![2])];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_visitor_without_items_has_a_line() {
    let mut store = MockStoreArchive::new();
    store.expect_items().returning(|_, _, _| Ok(Vec::new()));
    store.expect_visitors().returning(|after, _| {
        let found = after.is_none_or(|after| after < visitor(5, 0).id);
        Ok(found.then(|| visitor(5, 0)).into_iter().collect())
    });
    let (done, lines) = export(store, None).await;
    done.unwrap();
    assert_eq!(lines, [(5, vec![])]);
}

#[tokio::test]
async fn an_export_goes_on_after_its_last_line() {
    let last = ArchiveLine {
        visitor: visitor(5, 2),
        conversations: vec![conversation(1)],
    };
    let two = vec![visitor(5, 2), visitor(9, 2)];
    let (done, lines) = export(store(two, 2), Some(last.place())).await;
    done.unwrap();
    assert_eq!(lines, [(5, vec![2]), (9, vec![1]), (9, vec![2])]);
}

#[tokio::test]
async fn a_visitor_who_changes_meanwhile_is_noticed() {
    let (done, _) = export(store(vec![visitor(5, 2)], 3), None).await;
    assert!(matches!(done, Err(ExportError::Changed)));
}

#[tokio::test]
async fn a_line_that_cannot_be_written_ends_the_export() {
    let export = ExportStore::new(Arc::new(store(vec![visitor(5, 2)], 2)));
    let done = export.run(None, |_| Err("full")).await;
    assert!(matches!(done, Err(ExportError::Line("full"))));
}
