//! Entity tags: how a client asks whether what it has is still what there is.
//!
//! A tag is weak: it stands for the state that an answer is made from, not for the bytes of it.

use actix_web::http::header::{ETag, EntityTag, Header as _, IF_MATCH, IfMatch, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};
use convosync_domain::identity::{ConversationKey, VisitorId};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

/// The tag of what is `asked` of a visitor's state. The visitor is in it too, for clients that know several
/// of them and keep one tag for a path.
pub(crate) fn of_state(epoch: Uuid, visitor: VisitorId, change_counter: u64, asked: &str) -> ETag {
    let visitor = visitor.as_uuid();
    let state = format!("{epoch} {visitor} {change_counter} {asked}");
    ETag(EntityTag::new_weak(hash_of(&state)))
}

fn hash_of(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

/// The state of a conversation, with which the tags of all its pages begin: so the tag of any page tells whether the
/// conversation is still the same.
pub(crate) struct ConversationState(String);

/// What stands between the state of a conversation and what is asked of it.
const STATE_END: char = '-';

impl ConversationState {
    /// The state of a visitor's conversation at this change: the highest change number of itself and its messages, so
    /// that no change of another conversation makes another state.
    pub(crate) fn new(
        epoch: Uuid,
        visitor: VisitorId,
        conversation: ConversationKey,
        latest_change: u64,
    ) -> Self {
        let (visitor, conversation) = (visitor.as_uuid(), conversation.as_uuid());
        let state = format!("{epoch} {visitor} conversation {conversation} {latest_change}");
        Self(hash_of(&state))
    }

    /// The tag of what is `asked` of the conversation in this state.
    pub(crate) fn tag(&self, asked: &str) -> ETag {
        let Self(state) = self;
        let asked = hash_of(asked);
        ETag(EntityTag::new_weak(format!("{state}{STATE_END}{asked}")))
    }
}

/// What a client expects to be there: `If-Match`.
pub(crate) struct ExpectedTags(IfMatch);

impl ExpectedTags {
    /// What a request expects; `None` where it expects nothing. Whoever sends the header expects something, so what of
    /// it cannot be read is not passed over: it is a tag of nothing that there is.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        request.headers().get(IF_MATCH)?;
        let expected = IfMatch::parse(request).unwrap_or(IfMatch::Items(Vec::new()));
        Some(Self(expected))
    }

    /// Whether anything will do, as long as it is there.
    pub(crate) fn are_any(&self) -> bool {
        self.0 == IfMatch::Any
    }

    /// Whether one of them is of a page of the conversation in this state.
    ///
    /// RFC 9110 (13.1.1) wants strong tags here, and has weak ones never match. Ours are weak and match all the same:
    /// they name a state, and a state is what a deletion depends on, whatever bytes of it the client has seen.
    pub(crate) fn contain(&self, ConversationState(state): &ConversationState) -> bool {
        match &self.0 {
            IfMatch::Any => true,
            IfMatch::Items(tags) => tags.iter().any(|tag| {
                let begin = tag.tag().split_once(STATE_END);
                begin.is_some_and(|(begin, _)| begin == state)
            }),
        }
    }
}

/// The tag of a text that stays as long as the server runs.
pub(crate) fn of_text(text: &[u8]) -> ETag {
    ETag(EntityTag::new_weak(format!("{:032x}", xxh3_128(text))))
}

/// The tags of what a client has: `If-None-Match`.
pub(crate) struct KnownTags(IfNoneMatch);

impl KnownTags {
    /// Those that a request names; `None` where it names none.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        let known = IfNoneMatch::parse(request).ok()?;
        let names_any = !matches!(&known, IfNoneMatch::Items(tags) if tags.is_empty());
        names_any.then_some(Self(known))
    }

    /// Whether the client has what this tag stands for.
    pub(crate) fn contain(&self, ETag(current): &ETag) -> bool {
        match &self.0 {
            IfNoneMatch::Any => true,
            IfNoneMatch::Items(tags) => tags.iter().any(|tag| tag.weak_eq(current)),
        }
    }
}

/// The answer to a client that has what this tag stands for.
pub(crate) fn not_modified(tag: ETag) -> HttpResponse {
    HttpResponse::NotModified().insert_header(tag).finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use actix_web::test::TestRequest;

    use super::*;

    const EPOCH: Uuid = Uuid::from_u128(5);

    const ADA: VisitorId = VisitorId::from_uuid(Uuid::from_u128(1));

    fn of_ids(epoch: Uuid, visitor: VisitorId, change_counter: u64) -> ETag {
        of_state(epoch, visitor, change_counter, "ids")
    }

    /// Whether a client that sends these headers has the ids at change 3.
    fn has_ids(sent: &[&str]) -> bool {
        let mut request = TestRequest::get();
        for value in sent {
            request = request.append_header(("If-None-Match", *value));
        }
        let known = KnownTags::of(&request.to_http_request());
        known.is_some_and(|known| known.contain(&of_ids(EPOCH, ADA, 3)))
    }

    #[test]
    fn a_tag_is_weak_and_stays() {
        let tag = of_ids(EPOCH, ADA, 3).to_string();
        assert_eq!(tag, of_ids(EPOCH, ADA, 3).to_string());
        let hash = tag.strip_prefix("W/\"").unwrap();
        let hash = hash.strip_suffix('"').unwrap();
        assert_eq!(hash.len(), 32);
        assert!(hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{tag}");
    }

    #[test]
    fn everything_that_an_answer_depends_on_makes_another_tag() {
        let bob = VisitorId::from_uuid(Uuid::from_u128(2));
        let tags = [
            of_ids(EPOCH, ADA, 3),
            of_ids(EPOCH, ADA, 4),
            of_ids(EPOCH, bob, 3),
            of_ids(Uuid::nil(), ADA, 3),
            of_state(EPOCH, ADA, 3, "changes 500 "),
            of_state(EPOCH, ADA, 4, "changes 500 "),
            of_state(EPOCH, bob, 3, "changes 500 "),
            of_state(Uuid::nil(), ADA, 3, "changes 500 "),
            of_state(EPOCH, ADA, 3, "changes 50 "),
            of_state(EPOCH, ADA, 3, "changes 500 a"),
            of_state(EPOCH, ADA, 3, "changes 500 b"),
        ];
        let different: HashSet<_> = tags.iter().map(ToString::to_string).collect();
        assert_eq!(different.len(), tags.len());
    }

    #[test]
    fn a_tag_is_known_by_weak_comparison_among_any_others() {
        let weak = of_ids(EPOCH, ADA, 3).to_string();
        let strong = weak.strip_prefix("W/").unwrap();
        for known in [
            &[weak.as_str()][..],
            &[strong],
            &["*"],
            &[" * "],
            &[&format!("\"a\", {weak}, W/\"b\"")],
            &[&format!(",,\"x,y\",{strong},")],
            &["\"a\"", &weak],
            &["", "broken", &weak],
        ] {
            assert!(has_ids(known), "{known:?}");
        }
        let unquoted = strong.trim_matches('"');
        for unknown in [
            &[][..],
            &[""],
            &[","],
            &["\"a\", W/\"b\""],
            &[unquoted],
            &[&format!("w/{strong}")],
            &["\"*\""],
            &["W/\"\""],
        ] {
            assert!(!has_ids(unknown), "{unknown:?}");
        }
    }

    fn state(
        epoch: Uuid,
        visitor: VisitorId,
        number: u128,
        latest_change: u64,
    ) -> ConversationState {
        let conversation = ConversationKey::from_uuid(Uuid::from_u128(number));
        ConversationState::new(epoch, visitor, conversation, latest_change)
    }

    fn expected(sent: &[&str]) -> Option<ExpectedTags> {
        let mut request = TestRequest::delete();
        for value in sent {
            request = request.append_header(("If-Match", *value));
        }
        ExpectedTags::of(&request.to_http_request())
    }

    #[test]
    fn the_tag_of_any_page_tells_the_state_of_a_conversation() {
        let bob = VisitorId::from_uuid(Uuid::from_u128(2));
        let current = state(EPOCH, ADA, 1, 3);
        let others = [
            state(EPOCH, ADA, 1, 4),
            state(EPOCH, ADA, 2, 3),
            state(EPOCH, bob, 1, 3),
            state(Uuid::nil(), ADA, 1, 3),
        ];
        let pages = ["oldest 100 ", "newest 100 ", "oldest 5 ", "oldest 5 a"];
        let tags = pages.map(|asked| current.tag(asked).to_string());
        for tag in &tags {
            let strong = tag.strip_prefix("W/").unwrap();
            for sent in [
                &[tag.as_str()][..],
                &[strong],
                &[&format!("\"a\", {tag}")],
                &["W/\"b-c\"", tag],
            ] {
                let expected = expected(sent).unwrap();
                assert!(
                    expected.contain(&current) && !expected.are_any(),
                    "{sent:?}"
                );
                assert!(!others.iter().any(|other| expected.contain(other)));
            }
        }
        let different: HashSet<_> = tags.into_iter().collect();
        assert_eq!(different.len(), pages.len());
    }

    #[test]
    fn whoever_sends_if_match_expects_something() {
        let current = state(EPOCH, ADA, 1, 3);
        assert!(expected(&[]).is_none());
        for any in ["*", " * "] {
            let expected = expected(&[any]).unwrap();
            assert!(expected.are_any() && expected.contain(&current));
        }
        let tag = current.tag("oldest 100 ").to_string();
        let unquoted = tag.trim_start_matches("W/").trim_matches('"');
        let (begin, _) = unquoted.split_once('-').unwrap();
        for sent in [
            "",
            ",",
            "broken",
            "\"*\"",
            "\"\"",
            "\"-\"",
            unquoted,
            &format!("\"{begin}\""),
            &format!("\"x{begin}-\""),
            &of_ids(EPOCH, ADA, 3).to_string(),
            "\"\u{e4}\"",
        ] {
            let expected = expected(&[sent]).unwrap();
            assert!(!expected.contain(&current) && !expected.are_any(), "{sent}");
        }
    }

    #[test]
    fn nothing_is_asked_where_no_tag_is_named() {
        for nothing in ["", ",", "broken"] {
            let request = TestRequest::get().insert_header(("If-None-Match", nothing));
            assert!(KnownTags::of(&request.to_http_request()).is_none());
        }
        assert!(KnownTags::of(&TestRequest::get().to_http_request()).is_none());
    }
}
