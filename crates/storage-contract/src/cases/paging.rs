//! The feed, page by page. A page is shown as `conversation[messages]`, the dead in brackets, and
//! ` ...` where there is more.

use std::sync::Arc;

use convosync_domain::change_set::{ConversationChange, Erasure};

use crate::Store;
use crate::fixtures::{
    at, conversation, dead_conversation, dead_message, erase, insert, insert_messages, message,
    revived_conversation, update, update_messages,
};
use crate::owner::Owner;
use crate::support::{shown, since};

/// Three conversations, in an order that is not that of their ids.
async fn owner_of_three(store: &Arc<dyn Store>) -> Owner {
    let ada = Owner::registered(store, "ada").await;
    ada.commit([insert(conversation(3, 1), [message(1, 1), message(2, 1)])])
        .await;
    let messages = [message(1, 1), message(2, 1), message(3, 1)];
    ada.commit([insert(conversation(1, 1), messages)]).await;
    ada.commit([insert(conversation(2, 1), [])]).await;
    ada
}

/// Deletes a message by itself.
fn delete_message(conversation: u128, number: u128) -> ConversationChange {
    update_messages(conversation, [dead_message(number, 9, 1)])
}

/// Oldest change first, and at most as many items as the limit says; each comes once.
pub async fn pages_end_where_the_limit_says(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    for (limit, pages) in [
        (1_000, vec!["3[1,2] 1[1,2,3] 2[]"]),
        (8, vec!["3[1,2] 1[1,2,3] 2[]"]),
        (7, vec!["3[1,2] 1[1,2,3] ...", "2[]"]),
        (4, vec!["3[1,2] 1[] ...", "1[1,2,3] 2[]"]),
        (3, vec!["3[1,2] ...", "1[1,2] ...", "1[3] 2[]"]),
        (
            2,
            vec!["3[1] ...", "3[2] 1[] ...", "1[1,2] ...", "1[3] 2[]"],
        ),
    ] {
        assert_eq!(ada.shown_pages(None, limit).await, pages, "limit {limit}");
        assert_eq!(
            ada.shown_pages(since(0), limit).await,
            pages,
            "limit {limit}"
        );
    }
    let one_by_one = "3[] 3[1] 3[2] 1[] 1[1] 1[2] 1[3] 2[]";
    assert_eq!(ada.numbered_above(0).await, one_by_one);
}

/// Conversations of one change come by id, messages of one conversation by change and then by id,
/// both as unsigned numbers.
pub async fn what_changed_at_once_comes_by_id(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let high = 1 << 127;
    let messages = || [message(high, 1), message(2, 1), message(1, 1)];
    ada.commit([high, 7, 5].map(|id| insert(conversation(id, 1), messages())))
        .await;
    ada.commit([update_messages(5, [message(1, 2)])]).await;
    ada.commit([insert_messages(7, [message(0, 1)])]).await;
    let first = format!("{high}[1,2,{high}] ...");
    let second = format!("5[2,{high},1] ...");
    let third = format!("7[1,2,{high}] ...");
    let pages = [first, second, third, "7[0]".to_owned()];
    assert_eq!(ada.shown_pages(None, 4).await, pages);
}

/// More conversations than are looked for at first, in their order; the dead ones are left out.
pub async fn a_page_of_many_conversations(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let living = |id| insert(conversation(id, 1), []);
    let dead = |id| insert(dead_conversation(id, 1), []);
    ada.commit(
        (1..=300)
            .rev()
            .map(|id| if id % 3 == 0 { dead(id) } else { living(id) }),
    )
    .await;
    ada.commit((301..=310).map(living)).await;
    ada.commit([update(conversation(1, 2), [])]).await;
    let in_order: Vec<_> = (2..=310)
        .filter(|id| id % 3 != 0 || *id > 300)
        .chain([1])
        .map(|id| format!("{id}[]"))
        .collect();
    assert_eq!(in_order.len(), 210);
    for limit in [1_000, 210, 130, 129, 128, 127] {
        let pages: Vec<_> = in_order.chunks(limit).map(|page| page.join(" ")).collect();
        let shown = ada.shown_pages(None, limit).await;
        assert_eq!(shown.join("\n"), pages.join(" ...\n"), "limit {limit}");
    }
}

/// A conversation always comes whole beside its changed messages, and does not count when it only
/// wraps them.
pub async fn a_conversation_that_only_wraps_does_not_count(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    ada.commit([update_messages(1, [message(2, 9), message(3, 9)])])
        .await;
    assert_eq!(ada.shown_pages(since(3), 2).await, ["1[2,3]"]);
    assert_eq!(ada.shown_pages(since(3), 1).await, ["1[2] ...", "1[3]"]);
    let page = ada.page(since(3), 2).await;
    assert_eq!(page.conversations[0].conversation, conversation(1, 1));
}

/// A drained pull stands at the counter, and brings nothing until something changes.
pub async fn a_drained_pull_waits_for_the_next_change(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    for limit in [1, 3, 8] {
        let drained = ada.pages(None, limit).await.last().unwrap().next;
        assert_eq!(Some(drained), since(3));
    }
    assert_eq!(ada.shown_pages(since(3), 9).await, [""]);
    ada.commit([]).await;
    assert_eq!(ada.shown_pages(since(3), 9).await, [""]);
    ada.commit([update_messages(3, [message(1, 2)])]).await;
    assert_eq!(ada.shown_pages(since(3), 9).await, ["3[1]"]);
}

/// What changes between two pages moves to the end and comes again; nothing is left out.
pub async fn what_changes_between_the_pages_comes_again(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    let first = ada.page(None, 5).await;
    assert_eq!(shown(&first), "3[1,2] 1[1] ...");
    ada.commit([update(conversation(1, 2), [message(1, 2)])])
        .await;
    ada.commit([insert_messages(3, [message(3, 2)])]).await;
    let rest = ada.shown_pages(Some(first.next), 5).await;
    assert_eq!(rest, ["2[] 1[2,3,1] ...", "3[1,2,3]"]);
}

/// A page that ended inside a conversation goes on there, with what the others got meanwhile.
pub async fn a_page_goes_on_inside_a_conversation(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    let first = ada.page(None, 5).await;
    assert_eq!(shown(&first), "3[1,2] 1[1] ...");
    ada.commit([
        insert_messages(2, [message(1, 2)]),
        insert(conversation(4, 2), []),
    ])
    .await;
    let second = ada.page(Some(first.next), 1).await;
    assert_eq!(shown(&second), "1[2] ...");
    ada.commit([update_messages(2, [message(1, 3)])]).await;
    let rest = ada.shown_pages(Some(second.next), 2).await;
    assert_eq!(rest, ["1[3] 4[] ...", "2[1]"]);
}

/// What dies between two pages comes as a tombstone, whether it was given out before or not: the
/// pull was to leave out only what was dead at its first page.
pub async fn what_dies_between_the_pages_comes_as_a_tombstone(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    let first = ada.page(None, 2).await;
    assert_eq!(shown(&first), "3[1] ...");
    ada.commit([delete_message(3, 2)]).await;
    ada.commit([erase(dead_conversation(1, 9), Erasure::Everything)])
        .await;
    let rest = ada.shown_pages(Some(first.next), 9).await;
    assert_eq!(rest, ["2[] 3[1,(2)] (1)[]"]);
}

/// A pull from the start leaves out what was dead at its first page, on all its pages.
pub async fn a_pull_from_the_start_leaves_out_the_dead(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    ada.commit([erase(dead_conversation(2, 9), Erasure::Everything)])
        .await;
    ada.commit([delete_message(1, 3)]).await;
    assert_eq!(ada.shown_pages(None, 9).await, ["3[1,2] 1[1,2]"]);
    assert_eq!(ada.shown_pages(None, 3).await, ["3[1,2] ...", "1[1,2]"]);

    let first = ada.page(None, 3).await;
    ada.commit([delete_message(1, 2)]).await;
    assert_eq!(ada.shown_pages(Some(first.next), 9).await, ["1[1,(2)]"]);
}

/// Nothing but the dead is an empty page, and the pull is drained.
pub async fn a_pull_of_nothing_but_the_dead_is_empty(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([
        insert(dead_conversation(1, 9), []),
        insert(dead_conversation(2, 9), []),
    ])
    .await;
    let page = ada.page(None, 1).await;
    assert_eq!(shown(&page), "");
    assert_eq!(Some(page.next), since(1));
}

/// A pull since a number shows the dead: a device may have what died.
pub async fn a_pull_since_a_number_shows_the_dead(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    ada.commit([delete_message(1, 3)]).await;
    ada.commit([erase(
        revived_conversation(3, 5, 6),
        Erasure::Through(at(5)),
    )])
    .await;
    ada.commit([erase(dead_conversation(1, 9), Erasure::Everything)])
        .await;
    assert_eq!(ada.shown_pages(since(3), 9).await, ["3[(1),(2)] (1)[]"]);
    assert_eq!(
        ada.shown_pages(since(3), 2).await,
        ["3[(1)] ...", "3[(2)] (1)[]"]
    );
}

/// A dead conversation brings none of its messages; when it lives again, they come as they are.
pub async fn a_dead_conversation_brings_no_messages(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    ada.commit([erase(dead_conversation(3, 9), Erasure::Everything)])
        .await;
    assert_eq!(ada.shown_pages(since(3), 9).await, ["(3)[]"]);
    let mut revived = update(revived_conversation(3, 9, 10), [message(1, 10)]);
    revived
        .messages
        .extend(insert_messages(3, [message(3, 10)]).messages);
    ada.commit([revived]).await;
    assert_eq!(ada.shown_pages(since(4), 9).await, ["3[1,3]"]);
    assert_eq!(ada.shown_pages(since(3), 9).await, ["3[(2),1,3]"]);
    assert_eq!(ada.shown_pages(None, 9).await, ["1[1,2,3] 2[] 3[1,3]"]);
}

/// A position is the same whatever it is asked with: the next page depends on nothing else.
pub async fn a_page_can_be_read_again(store: Arc<dyn Store>) {
    let ada = owner_of_three(&store).await;
    let first = ada.page(None, 5).await;
    assert_eq!(ada.page(None, 5).await, first);
    let second = ada.page(Some(first.next), 2).await;
    assert_eq!(ada.page(Some(first.next), 2).await, second);
}
