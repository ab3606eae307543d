//! The merge rule, sentence by sentence.

use crate::support::*;
use convosync_domain::change_set::Counts;
use convosync_domain::message::MessageRequestPatch;
use convosync_domain::patch::Patch::{NotSent, Null, Value};
use convosync_domain::posted::PostedChange;

fn counts(created: u64, updated: u64, messages_created: u64, messages_updated: u64) -> Counts {
    Counts {
        created,
        updated,
        messages_created,
        messages_updated,
    }
}

/// Conversation 1 at `stamp` with message 1, which has no stamp of its own.
fn conversation_at(stamp: Option<i64>) -> Items {
    let mut items = Items::default();
    let messages = vec![message(1, image(None, Value("first")))];
    items.post(
        vec![conversation(1, titled(stamp, Value("first")), messages)],
        NOON,
    );
    items
}

fn title(items: &Items) -> Option<&str> {
    items.conversation(1).content.as_ref()?.title.as_deref()
}

fn img(items: &Items, number: u128) -> Option<&str> {
    items
        .message(1, number)?
        .content
        .as_ref()?
        .fields
        .img
        .as_deref()
}

fn is_dead(items: &Items, number: u128) -> bool {
    items
        .message(1, number)
        .is_some_and(|message| message.content.is_none())
}

mod fields {
    use super::*;

    #[test]
    fn a_newer_post_replaces_and_clears_and_an_older_one_does_nothing() {
        for (stored, posted, patch, expected) in [
            (Some(5), Some(6), Value("second"), Some("second")),
            (Some(5), Some(6), Null, None),
            (Some(5), Some(6), NotSent, Some("first")),
            (Some(5), Some(5), Value("second"), Some("second")),
            (Some(5), Some(5), Null, Some("first")),
            (Some(5), None, Value("second"), Some("second")),
            (Some(5), None, Null, Some("first")),
            (Some(5), Some(4), Value("second"), Some("first")),
            (Some(5), Some(4), Null, Some("first")),
            (None, Some(4), Null, None),
            (None, None, Null, Some("first")),
        ] {
            let mut items = conversation_at(stored);
            let told = items.post(
                vec![conversation(1, titled(posted, patch.clone()), vec![])],
                NOON,
            );
            assert_eq!(title(&items), expected, "{stored:?} {posted:?} {patch:?}");
            assert_eq!(told, counts(0, 1, 0, 0));
        }
    }

    #[test]
    fn a_message_without_its_own_stamp_has_that_of_its_conversation() {
        let mut items = conversation_at(Some(5));
        let older = vec![message(1, image(None, Value("older")))];
        items.post(vec![conversation(1, titled(Some(4), NotSent), older)], NOON);
        assert_eq!(img(&items, 1), Some("first"));
        let own = vec![message(1, image(Some(6), Value("own")))];
        items.post(vec![conversation(1, titled(Some(4), NotSent), own)], NOON);
        assert_eq!(img(&items, 1), Some("own"));
    }

    #[test]
    fn what_nobody_dated_is_dated_at_receipt() {
        let mut items = Items::default();
        let undated = |mut change: PostedChange<_>| {
            if let PostedChange::Fields { patch, .. } = &mut change {
                *patch = Default::default();
            }
            change
        };
        let mut post = conversation(1, titled(None, NotSent), vec![]);
        if let PostedChange::Fields { patch, .. } = &mut post.change {
            patch.created_at = Null;
        }
        post.messages = vec![message(1, undated(image(None, NotSent)))];
        items.post(vec![post], NOON);
        let created_at = items
            .conversation(1)
            .content
            .as_ref()
            .and_then(|it| it.created_at);
        let message = items.message(1, 1).and_then(|it| it.content.as_ref());
        assert_eq!(created_at, Some(at(NOON)));
        assert_eq!(message.and_then(|it| it.fields.timestamp), Some(at(NOON)));
    }

    #[test]
    fn an_older_post_creates_a_part_that_is_not_stored_yet() {
        let mut items = conversation_at(Some(5));
        let with_part = |updated_at, model| {
            let mut change = image(Some(updated_at), Value("older"));
            if let PostedChange::Fields { patch, .. } = &mut change {
                let request_model = Value(String::from(model));
                let request = MessageRequestPatch {
                    request_model,
                    ..Default::default()
                };
                patch.request = Some(request);
            }
            vec![message(1, change)]
        };
        items.post(
            vec![conversation(1, titled(Some(4), NotSent), with_part(4, "a"))],
            NOON,
        );
        items.post(
            vec![conversation(1, titled(Some(4), NotSent), with_part(3, "b"))],
            NOON,
        );
        let stored = items
            .message(1, 1)
            .and_then(|message| message.content.as_ref());
        let request = stored.and_then(|message| message.request.as_ref());
        assert_eq!(
            request.and_then(|it| it.request_model.as_deref()),
            Some("a")
        );
        assert_eq!(img(&items, 1), Some("first"));
    }

    #[test]
    fn a_re_post_under_an_ever_newer_conversation_changes_nothing_of_the_message() {
        let mut items = conversation_at(Some(5));
        let before = items.message(1, 1).cloned();
        let same = vec![message(1, image(None, Value("first")))];
        items.post(
            vec![conversation(1, titled(Some(9), Value("first")), same)],
            NOON,
        );
        assert_eq!(items.message(1, 1), before.as_ref());
        // So an edit in between is not overruled.
        let edit = vec![message(1, image(Some(7), Value("edit")))];
        items.post(vec![conversation(1, titled(Some(7), NotSent), edit)], NOON);
        assert_eq!(img(&items, 1), Some("edit"));
    }

    #[test]
    fn what_changes_and_changes_back_in_one_body_has_not_changed() {
        let body = || {
            let other = message(1, image(None, Value("other")));
            let own = message(1, image(Some(5), Value("own")));
            vec![conversation(1, titled(None, Value("t")), vec![other, own])]
        };
        let mut items = Items::default();
        items.post(body(), NOON);
        let before = items.clone();
        items.post(body(), NOON);
        assert_eq!(items, before);
    }

    #[test]
    fn a_clone_of_a_conversation_has_messages_of_its_own() {
        let mut items = conversation_at(Some(5));
        let clone = vec![message(1, image(None, Value("clone")))];
        let told = items.post(vec![conversation(2, titled(Some(6), NotSent), clone)], NOON);
        assert_eq!(told, counts(1, 0, 1, 0));
        assert_eq!(img(&items, 1), Some("first"));
    }
}

mod future {
    use super::*;

    #[test]
    fn a_stamp_from_the_future_wins_once() {
        let mut items = conversation_at(Some(5));
        let from_the_future = || vec![conversation(1, titled(Some(FUTURE), Value("2099")), vec![])];
        items.post(from_the_future(), NOON);
        assert_eq!(title(&items), Some("2099"));
        assert_eq!(items.conversation(1).history.stamp, Some(at(NOON)));
        items.post(
            vec![conversation(
                1,
                titled(Some(NOON + 1), Value("edit")),
                vec![],
            )],
            NOON + 2,
        );
        let counter = items.change_counter;
        items.post(from_the_future(), NOON + 3);
        assert_eq!(title(&items), Some("edit"));
        assert_eq!(items.change_counter, counter);
    }

    #[test]
    fn a_deletion_from_the_future_counts_as_receipt_once() {
        let mut items = conversation_at(Some(5));
        let deletion = || vec![conversation(1, deleted(FUTURE), vec![])];
        items.post(deletion(), NOON);
        assert_eq!(items.conversation(1).history.erased_through, Some(at(NOON)));
        items.post(
            vec![conversation(
                1,
                titled(Some(NOON + 1), Value("again")),
                vec![],
            )],
            NOON + 1,
        );
        items.post(deletion(), NOON + 9);
        assert_eq!(title(&items), Some("again"));
    }

    #[test]
    fn stamps_and_deletions_share_the_memory() {
        let mut items = conversation_at(Some(5));
        items.post(
            vec![conversation(1, titled(Some(FUTURE), Value("2099")), vec![])],
            NOON,
        );
        items.post(vec![conversation(1, deleted(FUTURE), vec![])], NOON + 1);
        assert_eq!(title(&items), Some("2099"));
    }
}

mod deletion {
    use super::*;

    #[test]
    fn deletion_wins_a_tie_and_takes_the_messages() {
        let mut items = conversation_at(Some(5));
        let told = items.post(vec![conversation(1, deleted(5), vec![])], NOON);
        assert_eq!(told, counts(0, 1, 0, 0));
        assert!(items.conversation(1).content.is_none());
        assert!(is_dead(&items, 1));
        assert_eq!(items.message(1, 1).and_then(|it| it.history.stamp), None);
    }

    #[test]
    fn an_edit_without_a_stamp_reaches_what_lives_beside_an_older_deletion() {
        let mut items = conversation_at(Some(5));
        items.post(vec![conversation(1, deleted(3), vec![])], NOON);
        let edit = |img| vec![message(1, image(None, img))];
        let unstamped = |messages| vec![conversation(1, titled(None, NotSent), messages)];
        let stamp = |items: &Items| items.message(1, 1).and_then(|it| it.history.stamp);
        let before = stamp(&items);
        items.post(unstamped(edit(Value("edit"))), NOON);
        assert_eq!(img(&items, 1), Some("edit"));
        items.post(unstamped(edit(Null)), NOON);
        assert_eq!((img(&items, 1), stamp(&items)), (Some("edit"), before));
    }

    #[test]
    fn an_updated_at_beside_it_makes_the_deletion_later_but_is_not_stored() {
        let mut items = conversation_at(Some(5));
        let deletion = PostedChange::Deletion {
            deleted_at: at(3),
            updated_at: Some(at(6)),
        };
        items.post(vec![conversation(1, deletion, vec![])], NOON);
        let history = items.conversation(1).history;
        assert_eq!(
            (history.stamp, history.erased_through),
            (Some(at(5)), Some(at(6)))
        );
    }

    #[test]
    fn a_dead_conversation_takes_nothing() {
        let mut items = conversation_at(Some(5));
        let messages = || {
            vec![
                message(1, image(Some(9), Value("late"))),
                message(2, image(Some(9), Value("new"))),
                message(3, deleted(9)),
            ]
        };
        let told = items.post(vec![conversation(1, deleted(7), messages())], NOON);
        assert_eq!(told, counts(0, 1, 0, 3));
        let before = items.clone();
        let told = items.post(
            vec![conversation(1, titled(Some(7), NotSent), messages())],
            NOON,
        );
        assert_eq!(told, counts(0, 1, 0, 3));
        assert_eq!(items, before);
    }

    #[test]
    fn a_newer_post_lets_a_conversation_live_again_with_the_messages_of_that_post() {
        let mut items = conversation_at(Some(5));
        items.post(vec![conversation(1, deleted(7), vec![])], NOON);
        let messages = vec![message(2, image(None, Value("second")))];
        let told = items.post(
            vec![conversation(1, titled(Some(8), NotSent), messages)],
            NOON,
        );
        assert_eq!(told, counts(0, 1, 1, 0));
        assert_eq!(title(&items), None, "starts from what the post carries");
        assert!(is_dead(&items, 1));
        assert_eq!(img(&items, 2), Some("second"));
        let messages = vec![message(1, image(None, Value("back")))];
        let told = items.post(
            vec![conversation(1, titled(Some(9), NotSent), messages)],
            NOON,
        );
        assert_eq!(told, counts(0, 1, 0, 1));
        assert_eq!(img(&items, 1), Some("back"));
    }

    #[test]
    fn a_late_older_deletion_takes_the_messages_older_than_itself() {
        let mut items = conversation_at(Some(5));
        let newer = vec![message(2, image(None, Value("second")))];
        items.post(vec![conversation(1, titled(Some(9), NotSent), newer)], NOON);
        items.post(vec![conversation(1, deleted(7), vec![])], NOON);
        assert_eq!(title(&items), Some("first"));
        assert!(is_dead(&items, 1));
        assert_eq!(img(&items, 2), Some("second"));
    }

    #[test]
    fn in_a_conversation_with_a_deletion_a_stamp_must_be_newer_than_it() {
        let mut items = conversation_at(Some(9));
        items.post(vec![conversation(1, deleted(7), vec![])], NOON);
        let messages = vec![
            message(2, image(Some(7), Value("covered"))),
            message(3, image(None, Value("stampless"))),
        ];
        let told = items.post(vec![conversation(1, titled(None, NotSent), messages)], NOON);
        assert_eq!(told, counts(0, 1, 1, 1));
        assert_eq!(items.message(1, 2), None);
        assert_eq!(
            items.message(1, 3).and_then(|it| it.history.stamp),
            Some(at(8))
        );
    }

    #[test]
    fn a_message_deleted_by_itself_needs_a_newer_stamp_of_its_own() {
        let mut items = conversation_at(Some(5));
        let posted = |stamp, change| {
            vec![conversation(
                1,
                titled(Some(stamp), NotSent),
                vec![message(1, change)],
            )]
        };
        items.post(posted(6, deleted(6)), NOON);
        assert!(is_dead(&items, 1));
        let counter = items.change_counter;
        items.post(posted(6, image(None, Value("first"))), NOON);
        assert_eq!(items.change_counter, counter, "a re-post costs nothing");
        items.post(posted(6, image(Some(6), Value("tie"))), NOON);
        assert!(is_dead(&items, 1));
        let told = items.post(posted(6, image(Some(7), Value("back"))), NOON);
        assert_eq!(told, counts(0, 1, 0, 1));
        assert_eq!(img(&items, 1), Some("back"));
    }

    #[test]
    fn a_deletion_older_than_the_messages_own_stamp_is_only_remembered() {
        let mut items = Items::default();
        let posted = |change| {
            vec![conversation(
                1,
                titled(Some(5), NotSent),
                vec![message(1, change)],
            )]
        };
        items.post(posted(image(Some(5), Value("own"))), NOON);
        items.post(posted(deleted(4)), NOON);
        assert_eq!(img(&items, 1), Some("own"));
        assert_eq!(
            items.message(1, 1).and_then(|it| it.history.deleted_at),
            Some(at(4))
        );
    }

    #[test]
    fn what_is_first_seen_deleted_is_a_tombstone_and_counts_as_created() {
        let mut items = conversation_at(Some(5));
        let told = items.post(
            vec![
                conversation(1, titled(Some(5), NotSent), vec![message(2, deleted(3))]),
                conversation(2, deleted(3), vec![message(1, deleted(3))]),
            ],
            NOON,
        );
        assert_eq!(told, counts(1, 1, 1, 1));
        assert!(is_dead(&items, 2));
        assert!(items.conversation(2).content.is_none());
        assert_eq!(items.message(2, 1), None);
    }

    #[test]
    fn deleted_and_posted_again_in_one_body() {
        let mut items = conversation_at(Some(5));
        let messages = || vec![message(1, image(None, Value("first")))];
        let body = vec![
            conversation(1, deleted(6), messages()),
            conversation(1, titled(Some(7), Value("again")), messages()),
        ];
        let told = items.post(body, NOON);
        assert_eq!(told, counts(0, 2, 0, 2));
        assert_eq!(title(&items), Some("again"));
        assert_eq!(img(&items, 1), Some("first"));
    }
}
