//! The cases of the contract: each takes a new, empty store and panics where the store breaks the
//! contract.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a case is a test: a failed expectation is its result"
)]
#![deny(dead_code)]

mod api_keys;
mod archive;
mod big_batches;
mod commits;
mod concurrency;
mod erasures;
mod gone;
mod histories;
mod ids;
mod isolation;
mod merging;
mod page_bytes;
mod paging;
mod quotas;
mod reading;
mod reads;
mod reference;
mod round_trips;
mod status;
mod summary;
mod tombstones;
mod usage;
mod visitors;

/// The list of all cases, by file: gives it to a macro, behind what else that macro is given.
#[doc(hidden)]
#[macro_export]
macro_rules! for_every_case {
    ([$($then:tt)*] $($arguments:tt)*) => {
        $($then)* ! {
            $($arguments)*
            visitors:
                an_unknown_visitor_is_absent_everywhere
                a_registered_visitor_begins_with_nothing
                registering_again_changes_nothing
                identities_of_every_form_are_visitors
                a_first_post_registers_its_visitor
                a_first_post_without_changes_registers_its_visitor
                a_first_post_of_a_known_visitor_conflicts
                a_post_of_an_unknown_visitor_conflicts
                a_first_post_that_fails_registers_nobody
                a_visitor_is_registered_once_among_many
                one_first_post_is_taken_among_many;
            status:
                a_store_is_ready
                the_identity_stays;
            commits:
                commits_count_up
                an_empty_change_set_keeps_the_counter
                only_what_is_written_gets_the_number
                a_lost_race_stores_nothing
                a_lost_race_for_one_new_item_is_a_conflict
                inserting_a_stored_conversation_fails_whole
                inserting_a_stored_message_fails_whole
                updating_an_absent_conversation_fails_whole
                updating_an_absent_message_fails_whole
                a_message_of_an_absent_conversation_fails_whole
                a_failing_change_set_takes_no_other_with_it;
            big_batches:
                ten_thousand_messages_are_one_change
                a_thousand_conversations_are_one_change
                ten_thousand_conversations_are_one_question
                long_texts_are_one_change
                many_names_are_one_question;
            round_trips:
                full_items_come_back
                bare_items_come_back
                parts_come_back_alone_and_empty
                extreme_values_come_back
                a_long_text_comes_back
                an_update_replaces_the_item_whole
                an_update_of_a_message_leaves_its_conversation;
            histories:
                the_history_of_a_conversation_comes_back
                the_history_of_a_message_comes_back
                a_digest_is_kept_and_cleared
                items_can_be_dead_when_first_seen
                a_conversation_dies_and_lives_again
                a_message_dies_and_lives_again_without_its_parts;
            erasures:
                an_erasure_through_a_moment_takes_what_is_not_newer
                an_erasure_of_everything_takes_all_and_their_stamps
                an_erasure_may_find_nothing
                messages_are_written_after_the_erasure
                nothing_that_was_erased_comes_back;
            isolation:
                visitors_with_the_same_ids_share_nothing
                conversations_with_the_same_message_ids_share_nothing;
            ids:
                opaque_ids_come_back
                an_opaque_id_stays_whatever_happens
                uuids_are_listed_before_other_ids;
            reads:
                heads_are_of_what_is_named_and_stored
                a_load_is_of_what_is_named_and_stored
                living_ids_ascend_without_the_dead
                ids_and_pages_tell_the_counter_of_their_read;
            paging:
                pages_end_where_the_limit_says
                what_changed_at_once_comes_by_id
                a_page_of_many_conversations
                a_conversation_that_only_wraps_does_not_count
                a_drained_pull_waits_for_the_next_change
                what_changes_between_the_pages_comes_again
                a_page_goes_on_inside_a_conversation
                what_dies_between_the_pages_comes_as_a_tombstone
                a_pull_from_the_start_leaves_out_the_dead
                a_pull_of_nothing_but_the_dead_is_empty
                a_pull_since_a_number_shows_the_dead
                a_dead_conversation_brings_no_messages
                a_page_can_be_read_again;
            page_bytes:
                a_page_ends_with_the_item_that_fills_it
                a_page_is_admitted_before_it_is_read
                heads_tell_the_size_of_the_content
                what_the_device_has_is_passed_over;
            concurrency:
                writers_of_one_visitor_all_get_through
                writers_of_different_visitors_meet_no_conflict
                a_puller_beside_writers_misses_nothing
                readers_see_one_moment
                ids_are_read_with_their_counter
                an_abandoned_commit_is_whole_or_nothing;
            usage:
                a_visitor_has_what_lives
                what_an_erasure_reaches_is_given_back
                what_is_erased_and_written_again_counts_once
                the_usage_is_that_of_the_rows_after_every_post
                what_is_restored_counts_once;
            quotas:
                a_quota_is_kept_to_the_last_byte
                a_change_set_beyond_the_quota_is_refused_whole
                whoever_is_above_the_quota_may_still_shrink
                a_first_post_beyond_the_quota_registers_nobody
                a_quota_holds_among_many_writers;
            summary:
                a_summary_begins_with_the_registration
                a_summary_counts_what_lives
                a_visitor_last_changed_when_something_did
                a_first_post_may_be_the_first_change;
            gone:
                an_erased_visitor_is_gone_everywhere
                an_unknown_visitor_is_not_erased
                a_visitor_is_erased_once
                an_erased_visitor_is_not_registered_again
                an_erasure_touches_nobody_else
                a_visitor_is_erased_once_among_many
                a_commit_beside_an_erasure_is_before_it_or_refused
                readers_beside_an_erasure_see_everything_or_nothing
                tombstones_are_listed_by_id
                an_erased_visitor_is_in_no_archive;
            merging:
                a_merge_writes_and_lets_go
                a_merge_without_changes_lets_go
                a_merge_may_register_who_goes_on
                a_merge_that_lost_a_race_changes_nothing
                a_merge_beyond_the_quota_changes_nothing
                a_merge_that_fails_changes_nothing
                nobody_is_merged_with_one_who_is_gone
                a_visitor_is_merged_once_among_many
                a_commit_beside_a_merge_is_merged_or_refused;
            reading:
                the_list_begins_with_what_changed_last
                the_list_leaves_out_the_dead
                pages_of_the_list_end_where_the_limit_says
                a_page_of_the_list_ends_with_the_one_that_fills_it
                what_is_looked_at_is_admitted_before_it_is_read
                messages_come_in_the_order_of_time
                a_conversation_is_read_whole
                a_page_of_a_conversation_ends_with_the_message_that_fills_it
                a_conversation_goes_on_where_the_page_ended
                what_does_not_live_is_not_there
                a_head_is_of_what_is_stored
                the_list_is_read_at_one_moment;
            archive:
                what_is_carried_away_reads_as_before
                what_is_restored_reads_as_before
                pages_of_an_archive_end_where_the_limit_says
                restoring_again_completes_what_is_there
                a_new_life_keeps_everything
                a_visitor_with_another_life_is_not_restored
                a_digest_seed_is_adopted_before_there_are_visitors;
            tombstones:
                whoever_is_gone_is_gone_where_the_store_is_carried_to
                a_tombstone_is_restored_once
                nobody_dies_by_a_restored_tombstone
                nobody_who_is_gone_is_restored
                when_a_visitor_last_changed_may_be_untold;
            api_keys:
                an_unknown_key_is_absent
                keys_come_back_whole
                an_id_that_is_taken_stays
                keys_are_listed_oldest_first
                a_key_is_revoked_once
                one_key_of_an_id_is_added_among_many
                a_key_is_revoked_once_among_many
                keys_and_visitors_share_nothing
                keys_are_not_carried_away;
            reference:
                generated_histories_read_as_in_the_reference_store;
        }
    };
}

macro_rules! export {
    ($($file:ident: $($case:ident)*;)*) => { $( pub use $file::{$($case),*}; )* };
}
for_every_case! { [export] }
