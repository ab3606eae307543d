//! The laws of the merge rule, on generated histories.

use std::collections::HashSet;

use convosync_domain::change_set::Counts;
use convosync_domain::message::{MessagePatch, MessageRequestPatch};
use convosync_domain::patch::Patch;
use convosync_domain::posted::{PostedChange, PostedContent, PostedConversation, PostedMessage};
use convosync_domain::stored::{StoredConversation, StoredMessage};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::*;

/// Few of everything, so that generated posts meet.
const CONVERSATIONS: u128 = 3;
const MESSAGES: u128 = 3;
const STAMPS: i64 = 8;

fn stamp() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 1..=STAMPS, 1 => select(vec![FUTURE, FUTURE + 1])]
}

fn value() -> impl Strategy<Value = Patch<&'static str>> {
    prop_oneof![
        Just(Patch::NotSent),
        Just(Patch::Null),
        select(vec!["a", "b", "c"]).prop_map(Patch::Value),
    ]
}

fn deletion<P: std::fmt::Debug>() -> impl Strategy<Value = PostedChange<P>> {
    (stamp(), option::of(stamp())).prop_map(|(deleted_at, updated_at)| PostedChange::Deletion {
        deleted_at: at(deleted_at),
        updated_at: updated_at.map(at),
    })
}

fn with_request(
    change: PostedChange<MessagePatch>,
    model: Option<Patch<&str>>,
) -> PostedChange<MessagePatch> {
    with(change, |patch| {
        patch.request = model.map(|model| MessageRequestPatch {
            request_model: model.map(str::to_owned),
            ..MessageRequestPatch::default()
        });
    })
}

fn posted_message() -> impl Strategy<Value = PostedMessage> {
    let fields = (option::of(stamp()), value(), option::of(value()))
        .prop_map(|(own, img, model)| with_request(image(own, img), model));
    let undated = value().prop_map(|img| undated(image(None, img)));
    (
        1..=MESSAGES,
        prop_oneof![8 => fields, 1 => undated, 2 => deletion()],
    )
        .prop_map(|(number, change)| message(number, change))
}

fn posted_conversation() -> impl Strategy<Value = PostedConversation> {
    let fields = (option::of(stamp()), value()).prop_map(|(stamp, title)| titled(stamp, title));
    let change = prop_oneof![4 => fields, 1 => deletion()];
    (1..=CONVERSATIONS, change, vec(posted_message(), 0..4))
        .prop_map(|(number, change, messages)| conversation(number, change, messages))
}

fn body() -> impl Strategy<Value = Vec<PostedConversation>> {
    vec(posted_conversation(), 0..4)
}

/// What is stored after some posts, and the moment after the last.
fn history() -> impl Strategy<Value = (Items, i64)> {
    vec(body(), 0..12).prop_map(|bodies| {
        let mut items = Items::default();
        let mut now = NOON;
        for body in bodies {
            items.post(body, now);
            now += 1;
        }
        (items, now)
    })
}

/// The messages, without what no post can tell: a stamp that a deletion of the conversation covers; and
/// digests, which a body keeps where it takes back what it changed, and one post after the other does
/// not. (That a digest which is there is right is another law.)
fn told_apart(items: &Items) -> Vec<StoredMessage> {
    let mut messages: Vec<_> = items.messages.clone().into_iter().collect();
    for ((conversation, _), message) in &mut messages {
        if message.history.stamp <= items.conversations[conversation].history.erased_through {
            message.history.stamp = None;
        }
        message.digest = None;
    }
    messages.into_iter().map(|(_, message)| message).collect()
}

/// A body that names no id twice.
fn body_without_repeats() -> impl Strategy<Value = Vec<PostedConversation>> {
    body().prop_map(|mut body| {
        let mut seen = HashSet::new();
        body.retain(|conversation| seen.insert(conversation.id.key()));
        for conversation in &mut body {
            let mut seen = HashSet::new();
            conversation
                .messages
                .retain(|message| seen.insert(message.id.key()));
        }
        body
    })
}

/// A body without a null and without a deletion.
fn body_that_removes_nothing() -> impl Strategy<Value = Vec<PostedConversation>> {
    let removes = |shown: String| shown.contains("Null") || shown.contains("Deletion");
    body().prop_map(move |mut body| {
        body.retain(|conversation| !removes(format!("{:?}", conversation.change)));
        for conversation in &mut body {
            conversation
                .messages
                .retain(|message| !removes(format!("{message:?}")));
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_post_that_names_no_id_twice_is_idempotent(
        (mut items, now) in history(),
        body in body_without_repeats(),
    ) {
        items.post(body.clone(), now);
        let before = items.clone();
        let counts = items.post(body, now + 1);
        prop_assert_eq!(&items, &before);
        prop_assert_eq!(counts.created, 0);
    }

    #[test]
    fn a_body_means_what_its_conversations_one_by_one_would_mean(
        (items, now) in history(),
        body in body(),
    ) {
        let mut whole = items.clone();
        let mut one_by_one = items;
        let told = whole.post(body.clone(), now);
        let mut sum = Counts::default();
        for conversation in body {
            let counts = one_by_one.post(vec![conversation], now);
            sum.created += counts.created;
            sum.updated += counts.updated;
            sum.messages_created += counts.messages_created;
            sum.messages_updated += counts.messages_updated;
        }
        prop_assert_eq!(told, sum);
        prop_assert_eq!(&whole.conversations, &one_by_one.conversations);
        prop_assert_eq!(told_apart(&whole), told_apart(&one_by_one));
    }

    #[test]
    fn nothing_lives_that_is_dead_by_its_history((items, _) in history()) {
        for stored in items.conversations.values() {
            prop_assert_eq!(stored.content.is_none(), stored.history.is_dead());
        }
        for ((conversation, _), stored) in &items.messages {
            let conversation = items.conversations[conversation].history;
            prop_assert_eq!(stored.content.is_none(), stored.history.is_dead_in(&conversation));
        }
    }

    #[test]
    fn only_a_newer_null_or_a_deletion_removes_anything(
        (items, now) in history(),
        body in body_that_removes_nothing(),
    ) {
        let mut after = items.clone();
        after.post(body, now);
        for (id, stored) in &items.conversations {
            let kept = |it: &StoredConversation| it.content.as_ref().map(|it| it.title.is_some());
            prop_assert!(kept(&after.conversations[id]) >= kept(stored), "{id:?}");
        }
        for (key, stored) in &items.messages {
            let kept = |it: &StoredMessage| {
                let message = it.content.as_ref()?;
                Some((message.fields.img.is_some(), message.request.is_some()))
            };
            let (before, after) = (kept(stored), kept(&after.messages[key]));
            prop_assert!(after.map(|it| it.0) >= before.map(|it| it.0), "{key:?}");
            prop_assert!(after.map(|it| it.1) >= before.map(|it| it.1), "{key:?}");
        }
    }

    #[test]
    fn a_text_that_was_applied_whole_changes_nothing_when_posted_again(
        (items, now) in history(),
        body in body(),
        stamp in option::of(stamp()),
    ) {
        for conversation in body {
            for posted in conversation.messages {
                let Some(before) = items.messages.get(&(conversation.id.key(), posted.id.key())) else { continue };
                let PostedContent::Read { digest, .. } = &posted.content else { continue };
                if before.digest != *digest { continue; }
                let mut again = items.clone();
                let change = titled(stamp, Patch::NotSent);
                let repeat = PostedConversation { id: conversation.id.clone(), change, messages: vec![posted.clone()] };
                again.post(vec![repeat], now);
                prop_assert_eq!(again.messages.get(&(conversation.id.key(), posted.id.key())), Some(before));
            }
        }
    }
}

/// A post in the sense of convergence: it names all fields, each message its own stamp.
#[derive(Clone, Debug)]
enum Edit {
    Conversation {
        number: u128,
        title: &'static str,
    },
    DeleteConversation {
        number: u128,
    },
    Message {
        number: u128,
        message: u128,
        img: &'static str,
    },
    DeleteMessage {
        number: u128,
        message: u128,
    },
}

fn edit() -> impl Strategy<Value = Edit> {
    let conversation = 1..=2_u128;
    let text = || select(vec!["a", "b", "c"]);
    prop_oneof![
        3 => (conversation.clone(), text()).prop_map(|(number, title)| Edit::Conversation { number, title }),
        1 => conversation.clone().prop_map(|number| Edit::DeleteConversation { number }),
        4 => (conversation.clone(), 1..=MESSAGES, text())
            .prop_map(|(number, message, img)| Edit::Message { number, message, img }),
        1 => (conversation, 1..=MESSAGES)
            .prop_map(|(number, message)| Edit::DeleteMessage { number, message }),
    ]
}

/// The edit as a post whose stamps no other edit has.
fn dated(edit: &Edit, stamp: i64) -> PostedConversation {
    let later = stamp + 1;
    match edit {
        Edit::Conversation { number, title } => {
            conversation(*number, titled(Some(later), Patch::Value(title)), vec![])
        }
        Edit::DeleteConversation { number } => conversation(*number, deleted(later), vec![]),
        Edit::Message {
            number,
            message: id,
            img,
        } => {
            let posted = message(*id, image(Some(stamp), Patch::Value(img)));
            conversation(
                *number,
                titled(Some(later), Patch::Value("t")),
                vec![posted],
            )
        }
        Edit::DeleteMessage {
            number,
            message: id,
        } => {
            let posted = message(*id, deleted(stamp));
            conversation(
                *number,
                titled(Some(later), Patch::Value("t")),
                vec![posted],
            )
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn devices_converge_in_any_order_and_grouping(
        (posts, shuffled, cuts) in vec(edit(), 1..10).prop_flat_map(|edits| {
            let posts: Vec<_> = (1_i64..).zip(&edits).map(|(at, edit)| dated(edit, at * 2)).collect();
            let cuts = vec(any::<bool>(), posts.len());
            (Just(posts.clone()), Just(posts).prop_shuffle(), cuts)
        })
    ) {
        let mut one = Items::default();
        for post in posts {
            one.post(vec![post], NOON);
        }
        let mut other = Items::default();
        let mut body = Vec::new();
        for (post, cut) in shuffled.into_iter().zip(cuts) {
            body.push(post);
            if cut {
                other.post(std::mem::take(&mut body), NOON);
            }
        }
        other.post(body, NOON);
        prop_assert_eq!(one.living(), other.living());
    }
}
