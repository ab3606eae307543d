//! The walk through a visitor's changes.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;

use convosync_domain::feed::{
    Admit, ChangedConversation, ChangedHead, ChangedHeads, ChangedMessage, ChangedMessages,
    ChangesPage, FeedPosition, FeedRows, PageRead, PageRequest, read_page,
};
use convosync_domain::identity::{ConversationKey, MessageKey};
use convosync_domain::patch::Patch::Value;
use convosync_domain::ports::NamedConversation;

use crate::support::*;

/// The rows of the items as a store would read them.
struct Rows<'a>(&'a Items);

impl Rows<'_> {
    fn number(&self, conversation: ConversationKey, message: Option<MessageKey>) -> u64 {
        self.0.change_numbers[&(conversation, message)]
    }

    fn changed_in(&self, wanted: &ChangedMessages) -> Vec<ChangedMessage> {
        let mut found: Vec<_> = self
            .0
            .messages
            .iter()
            .filter(|((conversation, _), _)| *conversation == wanted.conversation)
            .map(|((conversation, id), stored)| (self.number(*conversation, Some(*id)), stored))
            .filter(|(number, stored)| {
                let left_out =
                    stored.content.is_none() && Some(*number) <= wanted.dead_left_out_through;
                *number > wanted.since
                    && !left_out
                    && Some((*number, stored.id.key())) > wanted.after
            })
            .map(|(number, stored)| ChangedMessage {
                place: (number, stored.id.key()),
                content_bytes: stored.content_bytes(),
            })
            .collect();
        found.sort_by_key(|message| message.place);
        found.truncate(wanted.limit);
        found
    }
}

impl FeedRows for Rows<'_> {
    type Error = Infallible;

    fn changed_heads(&mut self, wanted: &ChangedHeads) -> Result<Vec<ChangedHead>, Infallible> {
        let all = self.0.conversations.values().map(|stored| {
            let of_this = |((id, _), number): (&(ConversationKey, _), &u64)| {
                (*id == stored.id.key()).then_some(*number)
            };
            ChangedHead {
                key: stored.id.key(),
                latest_change: self
                    .0
                    .change_numbers
                    .iter()
                    .filter_map(of_this)
                    .max()
                    .unwrap(),
                change_number: self.number(stored.id.key(), None),
                content_bytes: stored.content_bytes(),
            }
        });
        let mut heads: Vec<_> = all.filter(|head| wanted.has(head)).collect();
        heads.sort_unstable();
        heads.truncate(wanted.limit.unwrap_or(usize::MAX));
        Ok(heads)
    }

    fn changed_messages(
        &mut self,
        wanted: &[ChangedMessages],
    ) -> Result<Vec<Vec<ChangedMessage>>, Infallible> {
        Ok(wanted
            .iter()
            .map(|wanted| self.changed_in(wanted))
            .collect())
    }

    fn read(
        &mut self,
        items: Vec<NamedConversation>,
    ) -> Result<Vec<ChangedConversation>, Infallible> {
        let whole = items.into_iter().map(|named| ChangedConversation {
            conversation: self.0.conversations[&named.key].clone(),
            messages: named
                .messages
                .iter()
                .map(|key| self.0.messages[&(named.key, *key)].clone())
                .collect(),
        });
        Ok(whole.collect())
    }
}

fn page(items: &Items, position: Option<FeedPosition>, limit: usize) -> ChangesPage {
    page_of(&mut Rows(items), position, items.change_counter, limit)
}

fn page_of<R: FeedRows<Error = Infallible>>(
    rows: &mut R,
    position: Option<FeedPosition>,
    change_counter: u64,
    limit: usize,
) -> ChangesPage {
    let request = PageRequest {
        position,
        limit,
        content_bytes: usize::MAX,
        left_out: Arc::default(),
    };
    let admit: Admit = Arc::new(|_| true);
    match read_page(rows, &request, &admit, change_counter) {
        Ok(PageRead::Page(page)) => page,
        Ok(PageRead::NotAdmitted) => panic!("every page is admitted"),
    }
}

/// A page as `conversation[messages]`, dead items in brackets of their own.
fn shown(page: &ChangesPage) -> String {
    let mark = |number: u128, dead: bool| {
        if dead {
            format!("({number})")
        } else {
            number.to_string()
        }
    };
    let conversations = page.conversations.iter().map(|changed| {
        let messages: Vec<_> = changed
            .messages
            .iter()
            .map(|it| mark(it.id.key().as_uuid().as_u128(), it.content.is_none()))
            .collect();
        let id = changed.conversation.id.key().as_uuid().as_u128();
        format!(
            "{}[{}]",
            mark(id, changed.conversation.content.is_none()),
            messages.join(",")
        )
    });
    let more = page.has_more.then(|| "...".to_owned());
    conversations.chain(more).collect::<Vec<_>>().join(" ")
}

/// Pulls to the end and shows the pages.
fn pages(items: &Items, mut position: Option<FeedPosition>, limit: usize) -> Vec<String> {
    let mut pages = Vec::new();
    loop {
        let page = page(items, position, limit);
        assert!(!page.has_more || position != Some(page.next), "no progress");
        position = Some(page.next);
        pages.push(shown(&page));
        if !page.has_more {
            return pages;
        }
    }
}

fn post(items: &mut Items, number: u128, messages: &[u128]) {
    let stamp = i64::try_from(items.change_counter).unwrap() + 1;
    let messages = messages
        .iter()
        .map(|id| message(*id, image(Some(stamp), Value(&stamp.to_string()))))
        .collect();
    items.post(
        vec![conversation(
            number,
            titled(Some(stamp), Value("t")),
            messages,
        )],
        NOON,
    );
}

fn three_conversations() -> Items {
    let mut items = Items::default();
    post(&mut items, 3, &[1, 2]);
    post(&mut items, 1, &[1, 2, 3]);
    post(&mut items, 2, &[]);
    items
}

#[test]
fn pages_end_where_the_limit_says_and_nothing_comes_twice() {
    let items = three_conversations();
    assert_eq!(pages(&items, None, 100), ["3[1,2] 1[1,2,3] 2[]"]);
    assert_eq!(pages(&items, None, 8), ["3[1,2] 1[1,2,3] 2[]"]);
    assert_eq!(pages(&items, None, 4), ["3[1,2] 1[] ...", "1[1,2,3] 2[]"]);
    assert_eq!(
        pages(&items, None, 2),
        ["3[1] ...", "3[2] 1[] ...", "1[1,2] ...", "1[3] 2[]"]
    );
    assert_eq!(
        pages(&items, None, 1),
        [
            "3[] ...", "3[1] ...", "3[2] ...", "1[] ...", "1[1] ...", "1[2] ...", "1[3] ...", "2[]"
        ]
    );
}

#[test]
fn a_conversation_that_only_wraps_a_message_does_not_count() {
    let mut items = three_conversations();
    let drained = page(&items, None, 100).next;
    assert_eq!(pages(&items, Some(drained), 1), [""]);
    let edit = vec![
        message(2, image(Some(9), Value("edit"))),
        message(3, image(Some(9), Value("edit"))),
    ];
    items.post(vec![conversation(1, titled(None, Value("t")), edit)], NOON);
    assert_eq!(pages(&items, Some(drained), 2), ["1[2,3]"]);
    assert_eq!(pages(&items, Some(drained), 1), ["1[2] ...", "1[3]"]);
}

#[test]
fn what_changes_between_the_pages_comes_again_whole() {
    let mut items = three_conversations();
    let first = page(&items, None, 5);
    assert_eq!(shown(&first), "3[1,2] 1[1] ...");
    post(&mut items, 1, &[1]);
    post(&mut items, 3, &[3]);
    assert_eq!(
        pages(&items, Some(first.next), 5),
        ["2[] 1[2,3,1] ...", "3[1,2,3]"]
    );
}

#[test]
fn a_pull_from_the_start_leaves_out_what_is_dead_and_shows_what_dies_later() {
    let mut items = three_conversations();
    items.post(vec![conversation(2, deleted(9), vec![])], NOON);
    items.post(
        vec![conversation(
            1,
            titled(None, Value("t")),
            vec![message(3, deleted(9))],
        )],
        NOON,
    );
    let first = page(&items, None, 2);
    assert_eq!(shown(&first), "3[1] ...");
    items.post(
        vec![conversation(
            3,
            titled(None, Value("t")),
            vec![message(2, deleted(9))],
        )],
        NOON,
    );
    items.post(vec![conversation(1, deleted(9), vec![])], NOON);
    assert_eq!(pages(&items, Some(first.next), 9), ["3[1,(2)] (1)[]"]);
}

#[test]
fn a_pull_since_a_number_shows_the_dead() {
    let mut items = Items::default();
    let empty = page(&items, None, 9);
    post(&mut items, 1, &[1]);
    post(&mut items, 2, &[1]);
    items.post(
        vec![conversation(
            1,
            titled(None, Value("t")),
            vec![message(1, deleted(9))],
        )],
        NOON,
    );
    items.post(vec![conversation(2, deleted(9), vec![])], NOON);
    assert_eq!(pages(&items, Some(empty.next), 9), ["1[(1)] (2)[]"]);
}

#[test]
fn reads_nothing_when_nothing_is_new() {
    struct Untouched(RefCell<Vec<&'static str>>);
    impl FeedRows for Untouched {
        type Error = Infallible;
        fn changed_heads(&mut self, _: &ChangedHeads) -> Result<Vec<ChangedHead>, Infallible> {
            self.0.borrow_mut().push("heads");
            Ok(Vec::new())
        }
        fn changed_messages(
            &mut self,
            _: &[ChangedMessages],
        ) -> Result<Vec<Vec<ChangedMessage>>, Infallible> {
            unreachable!("no head was given")
        }
        fn read(
            &mut self,
            _: Vec<NamedConversation>,
        ) -> Result<Vec<ChangedConversation>, Infallible> {
            unreachable!("no item was chosen")
        }
    }
    let mut rows = Untouched(RefCell::default());
    let position = FeedPosition {
        since: 4,
        dead_left_out_through: None,
        last: None,
    };
    let page = page_of(&mut rows, Some(position), 4, 10);
    assert_eq!(page.next, position);
    assert!(rows.0.borrow().is_empty());
}
