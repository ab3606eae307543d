//! Entity tags: how a client asks whether what it has is still what there is.
//!
//! A tag is weak: it stands for the state that an answer is made from, not for the bytes of it.

use actix_web::http::header::{ETag, EntityTag, Header as _, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};
use convosync_domain::identity::VisitorId;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

/// The tag of what is `asked` of a visitor's state. The visitor is in it too, for clients that know several
/// of them and keep one tag for a path.
pub(crate) fn of_state(epoch: Uuid, visitor: VisitorId, change_counter: u64, asked: &str) -> ETag {
    let visitor = visitor.as_uuid();
    let state = format!("{epoch} {visitor} {change_counter} {asked}");
    let hash = xxh3_128(state.as_bytes());
    ETag(EntityTag::new_weak(format!("{hash:032x}")))
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

    #[test]
    fn nothing_is_asked_where_no_tag_is_named() {
        for nothing in ["", ",", "broken"] {
            let request = TestRequest::get().insert_header(("If-None-Match", nothing));
            assert!(KnownTags::of(&request.to_http_request()).is_none());
        }
        assert!(KnownTags::of(&TestRequest::get().to_http_request()).is_none());
    }
}
