//! Conversations as somebody looks at them: a list, and one with its messages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use convosync_domain::change_set::Erasure;
use convosync_domain::feed::{Admit, ChangedHead};
use convosync_domain::reading::{
    ConversationPage, ConversationRead, ConversationRequest, ListPage, ListPlace, ListRead,
    ListRequest, MessageOrder, MessagePlace,
};
use convosync_domain::stored::{StoredConversation, StoredMessage};

use crate::Store;
use crate::fixtures::{
    OPAQUE, admit_all, at, conversation, conversation_id, dead_conversation, dead_message, erase,
    insert, insert_messages, message, revived_conversation, update, update_messages, visitor_id,
};
use crate::owner::Owner;
use crate::support::{conversation_number, join, message_number};

/// The list after this place, of at most so many conversations, however long.
pub(super) fn list(after: Option<ListPlace>, limit: usize) -> ListRequest {
    ListRequest {
        after,
        limit,
        content_bytes: usize::MAX,
    }
}

/// The whole conversation of this number, the oldest message first.
pub(super) fn of(number: u128) -> ConversationRequest {
    ConversationRequest {
        key: conversation_id(number).key(),
        order: MessageOrder::OldestFirst,
        after: None,
        limit: usize::MAX,
        content_bytes: usize::MAX,
    }
}

/// The page of the list that is asked for.
async fn list_page(owner: &Owner, request: ListRequest) -> ListPage {
    let read = owner.store.list(owner.id, request, admit_all());
    match read.await.unwrap().unwrap() {
        ListRead::Page(page) => page,
        ListRead::NotAdmitted => panic!("every page is admitted"),
    }
}

/// The pages of the list, all of the same form.
pub(super) async fn list_pages(owner: &Owner, mut request: ListRequest) -> Vec<ListPage> {
    let mut pages = Vec::new();
    loop {
        let page = list_page(owner, request).await;
        request.after = page.next;
        pages.push(page);
        if request.after.is_none() {
            return pages;
        }
    }
}

/// Pages of the list, each conversation as `number(count of messages)`.
async fn shown_list(owner: &Owner, request: ListRequest) -> Vec<String> {
    let shown = |page: &ListPage| {
        let listed = page.conversations.iter().map(|listed| {
            let number = conversation_number(&listed.conversation.id);
            format!("{number}({})", listed.message_count)
        });
        listed.collect::<Vec<_>>().join(" ")
    };
    let pages = list_pages(owner, request).await;
    pages.iter().map(shown).collect()
}

/// The page of a conversation that is asked for, if the conversation lives.
async fn page_of(owner: &Owner, request: ConversationRequest) -> Option<ConversationPage> {
    let read = owner.store.read(owner.id, request, admit_all());
    match read.await.unwrap().unwrap() {
        ConversationRead::Page(page) => Some(*page),
        ConversationRead::NotThere => None,
        ConversationRead::NotAdmitted => panic!("every page is admitted"),
    }
}

/// The pages of a conversation, all of the same form; none of one that does not live.
pub(super) async fn conversation_pages(
    owner: &Owner,
    mut request: ConversationRequest,
) -> Vec<ConversationPage> {
    let mut pages = Vec::new();
    while let Some(page) = page_of(owner, request).await {
        request.after = page.next;
        pages.push(page);
        if request.after.is_none() {
            break;
        }
    }
    pages
}

/// The numbers of the messages on each page of a conversation.
async fn shown(owner: &Owner, request: ConversationRequest) -> Vec<Vec<u128>> {
    let numbers = |page: &ConversationPage| {
        let messages = page.messages.iter();
        messages.map(|it| message_number(&it.id)).collect()
    };
    let pages = conversation_pages(owner, request).await;
    pages.iter().map(numbers).collect()
}

/// A message that was written at this moment, if that is known.
fn message_of(number: u128, timestamp: Option<i64>) -> StoredMessage {
    let mut message = message(number, 1);
    if let Some(content) = &mut message.content {
        content.fields.timestamp = timestamp.map(at);
    }
    message
}

/// A message with a text of so many bytes.
fn long(number: u128, bytes: usize) -> StoredMessage {
    let mut long = message(number, 1);
    if let Some(content) = &mut long.content {
        content.fields.img = Some("x".repeat(bytes));
    }
    long
}

fn titled(number: u128, bytes: usize) -> StoredConversation {
    let mut titled = conversation(number, 1);
    if let Some(content) = &mut titled.content {
        content.title = Some("x".repeat(bytes));
    }
    titled
}

/// Keeps what it is asked, and admits it or not.
fn asked(admits: bool) -> (Admit, Arc<Mutex<Vec<usize>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&asked);
    let admit = move |bytes| {
        let mut asked = keeps.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(bytes);
        admits
    };
    (Arc::new(admit), asked)
}

/// The list begins with what changed last, itself or a message of it; what changed at once comes by id, the
/// greatest first. Each conversation comes whole, with how many messages of it live.
pub async fn the_list_begins_with_what_changed_last(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let bob = Owner::registered(&store, "bob").await;
    bob.commit([insert(conversation(1, 1), [message(9, 1)])])
        .await;
    assert_eq!(shown_list(&ada, list(None, 9)).await, [""]);
    ada.commit([
        insert(conversation(1, 1), [message(1, 1), message(2, 1)]),
        insert(conversation(2, 1), [message(1, 1), dead_message(2, 1, 1)]),
        insert(conversation(3, 1), []),
    ])
    .await;
    assert_eq!(shown_list(&ada, list(None, 9)).await, ["3(0) 2(1) 1(2)"]);
    ada.commit([insert_messages(1, [message(3, 1)])]).await;
    ada.commit([update(conversation(2, 2), [])]).await;
    assert_eq!(shown_list(&ada, list(None, 9)).await, ["2(1) 1(3) 3(0)"]);
    ada.commit([update_messages(1, [dead_message(1, 2, 2)])])
        .await;
    assert_eq!(shown_list(&ada, list(None, 9)).await, ["1(2) 2(1) 3(0)"]);

    let page = list_page(&ada, list(None, 9)).await;
    let listed = page.conversations.into_iter().map(|it| it.conversation);
    let expected = [conversation(1, 1), conversation(2, 2), conversation(3, 1)];
    assert_eq!(listed.collect::<Vec<_>>(), expected);
    assert_eq!((page.change_counter, page.next), (4, None));
}

/// A conversation that is dead is not in the list, and is again when it lives again, without what died.
pub async fn the_list_leaves_out_the_dead(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([
        insert(conversation(1, 1), [message(1, 1), message(2, 1)]),
        insert(dead_conversation(2, 1), []),
        insert(conversation(OPAQUE, 1), [message(OPAQUE, 1)]),
    ])
    .await;
    ada.commit([erase(dead_conversation(1, 2), Erasure::Everything)])
        .await;
    let opaque = format!("{OPAQUE}(1)");
    assert_eq!(shown_list(&ada, list(None, 9)).await, [opaque.as_str()]);
    ada.commit([update(revived_conversation(1, 2, 3), [message(2, 3)])])
        .await;
    let both = format!("1(1) {opaque}");
    assert_eq!(shown_list(&ada, list(None, 9)).await, [both]);
    ada.commit([
        erase(dead_conversation(1, 4), Erasure::Everything),
        erase(dead_conversation(OPAQUE, 4), Erasure::Everything),
    ])
    .await;
    assert_eq!(shown_list(&ada, list(None, 9)).await, [""]);
}

/// A page of the list has as many conversations as its limit says, and goes on where it ended, whatever changed
/// meanwhile.
pub async fn pages_of_the_list_end_where_the_limit_says(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([4, 5].map(|number| insert(conversation(number, 1), [])))
        .await;
    ada.commit([1, 2, 3].map(|number| insert(conversation(number, 1), [])))
        .await;
    for (limit, expected) in [
        (1, vec!["3(0)", "2(0)", "1(0)", "5(0)", "4(0)"]),
        (2, vec!["3(0) 2(0)", "1(0) 5(0)", "4(0)"]),
        (5, vec!["3(0) 2(0) 1(0) 5(0) 4(0)"]),
        (6, vec!["3(0) 2(0) 1(0) 5(0) 4(0)"]),
    ] {
        assert_eq!(shown_list(&ada, list(None, limit)).await, expected);
    }
    let first = list_page(&ada, list(None, 2)).await;
    // The last one of that page dies, and one after it moves to the front.
    ada.commit([
        update(dead_conversation(2, 2), []),
        update(conversation(5, 2), []),
    ])
    .await;
    assert_eq!(shown_list(&ada, list(first.next, 9)).await, ["1(0) 4(0)"]);
}

/// A page of the list ends with the conversation that brings its content to the bound, which messages do not count
/// towards.
pub async fn a_page_of_the_list_ends_with_the_one_that_fills_it(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([
        insert(titled(4, 10_000), [long(1, 50_000)]),
        insert(titled(3, 10_000), []),
        insert(titled(2, 100_000), []),
        insert(titled(1, 1), []),
    ])
    .await;
    for (content_bytes, expected) in [
        (1, vec!["4(1)", "3(0)", "2(0)", "1(0)"]),
        (15_000, vec!["4(1) 3(0)", "2(0)", "1(0)"]),
        (25_000, vec!["4(1) 3(0) 2(0)", "1(0)"]),
        (usize::MAX, vec!["4(1) 3(0) 2(0) 1(0)"]),
    ] {
        let request = ListRequest {
            content_bytes,
            ..list(None, 9)
        };
        assert_eq!(shown_list(&ada, request).await, expected);
    }
}

/// Whoever asks is told how much a page will bring, and nothing of it is read where that is too much.
pub async fn what_is_looked_at_is_admitted_before_it_is_read(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = [long(1, 10_000), long(2, 20_000), dead_message(3, 1, 1)];
    ada.commit([
        insert(titled(1, 5_000), messages.clone()),
        insert(titled(2, 7_000), []),
        insert(dead_conversation(3, 1), []),
    ])
    .await;
    let own = [titled(1, 5_000), titled(2, 7_000)].map(|it| it.content_bytes());
    let of_list = own.iter().sum::<usize>();
    let of_messages = messages.iter().map(StoredMessage::content_bytes);
    let of_first = own[0] + of_messages.sum::<usize>();
    for admits in [false, true] {
        let (admit, told) = asked(admits);
        let read = store.list(ada.id, list(None, 9), Arc::clone(&admit)).await;
        let is_page = matches!(read.unwrap().unwrap(), ListRead::Page(_));
        assert_eq!(is_page, admits);
        let read = store.read(ada.id, of(1), admit).await;
        let is_page = matches!(read.unwrap().unwrap(), ConversationRead::Page(_));
        assert_eq!(is_page, admits);
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*told, [of_list, of_first]);
    }
}

/// The messages of a conversation come by the moment when they were written, those without one as the oldest, and
/// those of one moment by id; from either end, page by page, each once.
pub async fn messages_come_in_the_order_of_time(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = [
        message_of(1, Some(30)),
        message_of(2, Some(-10)),
        message_of(3, None),
        message_of(4, Some(20)),
        message_of(5, Some(20)),
        message_of(6, None),
        message_of(7, Some(10)),
        dead_message(8, 1, 1),
    ];
    ada.commit([insert(conversation(1, 1), messages)]).await;
    ada.commit([insert(conversation(2, 1), [message_of(9, Some(20))])])
        .await;
    let oldest_first = [3, 6, 2, 7, 4, 5, 1];
    let mut newest_first = oldest_first;
    newest_first.reverse();
    for limit in 1..=8 {
        for (order, expected) in [
            (MessageOrder::OldestFirst, oldest_first),
            (MessageOrder::NewestFirst, newest_first),
        ] {
            let request = ConversationRequest {
                order,
                limit,
                ..of(1)
            };
            let pages = shown(&ada, request).await;
            let expected: Vec<_> = expected.chunks(limit).collect();
            assert_eq!(pages, expected, "{order:?}, {limit} at once");
        }
    }
}

/// A page of a conversation has the conversation and the messages whole, and tells its latest change.
pub async fn a_conversation_is_read_whole(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let (first, second) = (message_of(OPAQUE, Some(2)), message_of(1, Some(3)));
    ada.commit([insert(
        conversation(OPAQUE, 1),
        [first.clone(), second.clone()],
    )])
    .await;
    let third = message_of(2, Some(1));
    ada.commit([insert_messages(OPAQUE, [third.clone()])]).await;
    ada.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    let expected = ConversationPage {
        conversation: conversation(OPAQUE, 1),
        latest_change: 2,
        messages: vec![third, first, second],
        next: None,
    };
    assert_eq!(page_of(&ada, of(OPAQUE)).await, Some(expected));
    let bare = page_of(&ada, of(1)).await.unwrap();
    assert_eq!((bare.latest_change, bare.messages.len()), (3, 1));

    ada.commit([insert(conversation(2, 1), [])]).await;
    let empty = page_of(&ada, of(2)).await.unwrap();
    assert_eq!((empty.messages, empty.next), (vec![], None));
}

/// A page of a conversation ends with the message that brings its content to the bound.
pub async fn a_page_of_a_conversation_ends_with_the_message_that_fills_it(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = [
        long(1, 10_000),
        long(2, 10_000),
        long(3, 100_000),
        long(4, 1),
    ];
    ada.commit([insert(titled(1, 50_000), messages)]).await;
    for (content_bytes, expected) in [
        (1, vec![vec![1], vec![2], vec![3], vec![4]]),
        (15_000, vec![vec![1, 2], vec![3], vec![4]]),
        (25_000, vec![vec![1, 2, 3], vec![4]]),
        (usize::MAX, vec![vec![1, 2, 3, 4]]),
    ] {
        let request = ConversationRequest {
            content_bytes,
            ..of(1)
        };
        assert_eq!(shown(&ada, request).await, expected);
    }
}

/// A page goes on where the last one ended, whatever changed meanwhile: what moved behind it comes, what moved
/// before it does not, and what died is left out.
pub async fn a_conversation_goes_on_where_the_page_ended(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = (1..=6).map(|number| message_of(u128::try_from(number).unwrap(), Some(number)));
    ada.commit([insert(conversation(1, 1), messages)]).await;
    let request = ConversationRequest { limit: 2, ..of(1) };
    let after = page_of(&ada, request).await.unwrap().next;
    let place = MessagePlace {
        timestamp: Some(at(2)),
        key: message_of(2, None).id.key(),
    };
    assert_eq!(after, Some(place));
    let moved = [
        message_of(1, Some(9)),
        dead_message(2, 2, 1),
        dead_message(4, 2, 1),
        message_of(5, Some(0)),
    ];
    ada.commit([update_messages(1, moved)]).await;
    let rest = ConversationRequest { after, ..of(1) };
    assert_eq!(shown(&ada, rest).await, [[3, 6, 1]]);
    ada.commit([erase(dead_conversation(1, 5), Erasure::Everything)])
        .await;
    assert_eq!(page_of(&ada, rest).await, None);
}

/// What is dead, was never there or is another visitor's is not there; an unknown visitor is nobody.
pub async fn what_does_not_live_is_not_there(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let bob = Owner::registered(&store, "bob").await;
    bob.commit([insert(conversation(3, 1), [message(1, 1)])])
        .await;
    ada.commit([
        insert(dead_conversation(1, 1), []),
        insert(conversation(4, 1), [message(1, 1)]),
    ])
    .await;
    ada.commit([erase(dead_conversation(4, 2), Erasure::Everything)])
        .await;
    for number in [1, 2, 3, 4] {
        assert_eq!(page_of(&ada, of(number)).await, None, "{number}");
    }
    let (admit, told) = asked(false);
    let read = store.read(ada.id, of(1), admit).await.unwrap();
    assert_eq!(read, Some(ConversationRead::NotThere));
    assert!(told.lock().unwrap().is_empty());

    let nobody = visitor_id("nobody");
    let key = conversation_id(3).key();
    let read = store.list(nobody, list(None, 9), admit_all()).await;
    assert_eq!(read.unwrap(), None);
    let read = store.read(nobody, of(3), admit_all()).await;
    assert_eq!(read.unwrap(), None);
    assert_eq!(store.head(nobody, key).await.unwrap(), None);
}

/// The head of a conversation tells its numbers and its size, that of a dead one that it is.
pub async fn a_head_is_of_what_is_stored(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let bob = Owner::registered(&store, "bob").await;
    bob.commit([insert(conversation(2, 1), [])]).await;
    ada.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    ada.commit([update_messages(1, [message(1, 2)])]).await;
    let head = async |number| {
        let key = conversation_id(number).key();
        store.head(ada.id, key).await.unwrap().unwrap()
    };
    let expected = ChangedHead {
        latest_change: 2,
        key: conversation_id(1).key(),
        change_number: 1,
        content_bytes: conversation(1, 1).content_bytes(),
    };
    assert_eq!(head(1).await, Some(expected));
    for number in [2, 3] {
        assert_eq!(head(number).await, None);
    }
    ada.commit([erase(dead_conversation(1, 3), Erasure::Everything)])
        .await;
    let dead = head(1).await.unwrap();
    assert!(dead.is_dead());
    assert_eq!((dead.latest_change, dead.change_number), (3, 3));
}

/// A page of the list is read at one moment: where every change adds a message, there are as many as changes.
pub async fn the_list_is_read_at_one_moment(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([1, 2].map(|number| insert(conversation(number, 1), [message(1, 1)])))
        .await;
    let done = Arc::new(AtomicBool::new(false));
    let readers = (0..2).map(|_| {
        let (ada, done) = (ada.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                let page = list_page(&ada, list(None, 9)).await;
                let listed = page.conversations.iter();
                let counts: Vec<_> = listed.map(|it| it.message_count).collect();
                assert_eq!(counts, [page.change_counter; 2]);
                let read = page_of(&ada, of(1)).await.unwrap();
                let messages = u64::try_from(read.messages.len()).unwrap();
                assert_eq!(messages, read.latest_change);
                tokio::task::yield_now().await;
            }
        })
    });
    let readers = readers.collect();
    for number in 2..=100 {
        ada.commit([1, 2].map(|it| insert_messages(it, [message(number, 1)])))
            .await;
    }
    done.store(true, Ordering::SeqCst);
    join(readers).await;
}
