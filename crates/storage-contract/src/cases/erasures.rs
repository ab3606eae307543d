//! Messages die with their conversation, or by a deletion of it, whether a post names them or not.

use std::sync::Arc;

use convosync_domain::change_set::{Erasure, Write};
use convosync_domain::stored::StoredMessage;

use crate::Store;
use crate::fixtures::{
    at, conversation, dead_conversation, dead_message, erase, erased, insert, message,
    revived_conversation, update,
};
use crate::owner::Owner;

/// Stamps before, at and after 7 and none, and two that are dead already: one with a stamp, one
/// without.
fn messages() -> [StoredMessage; 6] {
    let mut third = message(3, 8);
    third.history.own_stamp = Some(at(8));
    third.history.future_stamp = Some(at(6));
    third.history.deleted_at = Some(at(7));
    [
        message(1, 6),
        message(2, 7),
        third,
        message(4, None),
        dead_message(5, 6, 5),
        dead_message(6, 3, None),
    ]
}

async fn owner(store: &Arc<dyn Store>) -> Owner {
    let ada = Owner::registered(store, "ada").await;
    let neighbour = insert(conversation(2, 1), [message(1, 1), message(4, None)]);
    ada.commit([insert(conversation(1, 9), messages()), neighbour])
        .await;
    ada
}

/// Asserts that the conversation beside the one with the erasure is untouched.
async fn assert_neighbour(ada: &Owner) {
    ada.assert_holds(&conversation(2, 1), &[message(1, 1), message(4, None)])
        .await;
}

/// A deletion that the conversation survives takes the living messages whose stamp is not newer or
/// none, and gives its number to these alone.
pub async fn an_erasure_through_a_moment_takes_what_is_not_newer(store: Arc<dyn Store>) {
    let ada = owner(&store).await;
    let through = Erasure::Through(at(7));
    ada.commit([erase(revived_conversation(1, 7, 9), through)])
        .await;
    let [first, second, third, fourth, fifth, sixth] = messages();
    let left = [
        erased(&first, through),
        erased(&second, through),
        third,
        erased(&fourth, through),
        fifth,
        sixth,
    ];
    ada.assert_holds(&revived_conversation(1, 7, 9), &left)
        .await;
    assert_eq!(ada.numbered_above(1).await, "1[] 1[(1)] 1[(2)] 1[(4)]");
    assert_neighbour(&ada).await;
}

/// A conversation that dies takes all its living messages with it. They forget their stamps and keep
/// the rest of their history; those that were dead before do not change. What is left shows when the
/// conversation lives again.
pub async fn an_erasure_of_everything_takes_all_and_their_stamps(store: Arc<dyn Store>) {
    let ada = owner(&store).await;
    ada.commit([erase(dead_conversation(1, 9), Erasure::Everything)])
        .await;
    let left = messages().map(|message| erased(&message, Erasure::Everything));
    ada.assert_holds(&dead_conversation(1, 9), &left).await;
    assert_eq!(ada.numbered_above(1).await, "(1)[]");

    let revived = revived_conversation(1, 9, 10);
    ada.commit([update(revived.clone(), [])]).await;
    ada.assert_holds(&revived, &left).await;
    assert_eq!(
        ada.numbered_above(1).await,
        "1[] 1[(1)] 1[(2)] 1[(3)] 1[(4)]"
    );
    assert_eq!(ada.numbered_above(2).await, "1[]");
    assert_neighbour(&ada).await;
}

/// A conversation without messages, or with none that is old enough, has nothing to erase.
pub async fn an_erasure_may_find_nothing(store: Arc<dyn Store>) {
    let ada = owner(&store).await;
    ada.commit([insert(conversation(3, 9), [])]).await;
    ada.commit([
        erase(dead_conversation(3, 9), Erasure::Everything),
        erase(revived_conversation(2, 0, 1), Erasure::Through(at(0))),
    ])
    .await;
    let left = [
        message(1, 1),
        erased(&message(4, None), Erasure::Through(at(0))),
    ];
    ada.assert_holds(&revived_conversation(2, 0, 1), &left)
        .await;
    ada.assert_holds(&dead_conversation(3, 9), &[]).await;
    assert_eq!(ada.numbered_above(2).await, "2[] 2[(4)] (3)[]");
}

/// The erasure comes before the messages of its change: where one post deletes a conversation and
/// posts it again, the messages of that live, and only the others are dead.
pub async fn messages_are_written_after_the_erasure(store: Arc<dyn Store>) {
    let ada = owner(&store).await;
    let mut again = erase(revived_conversation(1, 9, 12), Erasure::Everything);
    let written = [message(2, 12), message(5, 12), message(7, 12)];
    let [second, fifth, seventh] = written.clone();
    again.messages = vec![
        Write::Update(second),
        Write::Insert(seventh),
        Write::Update(fifth),
    ];
    ada.commit([again]).await;

    let [first, _, third, fourth, _, sixth] =
        messages().map(|message| erased(&message, Erasure::Everything));
    let [second, fifth, seventh] = written;
    let left = [first, second, third, fourth, fifth, sixth, seventh];
    ada.assert_holds(&revived_conversation(1, 9, 12), &left)
        .await;
    assert_eq!(
        ada.numbered_above(1).await,
        "1[] 1[(1)] 1[2] 1[(3)] 1[(4)] 1[5] 1[7]"
    );
}

/// The parts of what was erased are gone: a message that lives again without any has none.
pub async fn nothing_that_was_erased_comes_back(store: Arc<dyn Store>) {
    let ada = owner(&store).await;
    ada.commit([erase(
        revived_conversation(1, 7, 9),
        Erasure::Through(at(7)),
    )])
    .await;
    let mut revived = message(1, 12);
    revived.content = Some(Box::default());
    ada.commit([update(revived_conversation(1, 7, 12), [revived.clone()])])
        .await;
    assert_eq!(ada.messages(1, [1]).await, [revived]);
}
