//! What strangers' bytes come to first, one function each: `fuzz` has a target of libFuzzer for every one, and the
//! tests of this crate try each with ten thousand damaged examples.
//!
//! A function may do with any bytes whatever it likes but panic, take long or take much memory. Where more can be said
//! of what comes out of it, it asserts that.

use convosync_domain::timestamp::Timestamp;

/// How much is inflated at most. What a server allows is more, and says nothing else.
const INFLATED_MAX: usize = 1 << 20;

/// The body of a post, to its last message. Whatever is taken strictly is taken as any other post, too, and of that
/// nothing is left out.
pub fn post(body: &[u8]) {
    let taken = convosync_http_actix::fuzzing::read_post(body);
    assert!(!taken.strictly || taken.by_default, "{taken:?}");
    assert!(!taken.by_default || taken.leniently, "{taken:?}");
}

/// A moment. It comes back from what it is written as.
pub fn timestamp(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    if let Ok(moment) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&moment.to_string()), Ok(moment));
        assert_eq!(Timestamp::from_micros(moment.as_micros()), Ok(moment));
    }
}

/// The query of a URL: all that any endpoint asks of it.
pub fn query(query: &[u8]) {
    if let Ok(query) = str::from_utf8(query) {
        convosync_http_actix::fuzzing::read_query(query);
    }
}

/// A cursor, as it is and as if its check value were right. What is one comes back from what it is written as.
pub fn cursor(bytes: &[u8]) {
    convosync_application::fuzzing::read_cursor(bytes);
}

/// A token after the key set that it may be signed with, with an empty line between them.
pub fn token(bytes: &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (key_set, token) = match end.and_then(|end| bytes.split_at_checked(end)) {
        Some((key_set, token)) => (key_set, token.trim_ascii_start()),
        None => (&[][..], bytes),
    };
    if let Ok(token) = str::from_utf8(token) {
        let is_good = convosync_jwt::fuzzing::read_token(key_set, token);
        assert!(!is_good, "{token} is taken");
    }
}

/// A body in gzip. Wherever the network cuts it, it is the same.
pub fn gzip(deflated: &[u8]) {
    let inflate = |piece| convosync_http_actix::fuzzing::inflate(deflated, piece, INFLATED_MAX);
    let whole = inflate(deflated.len().max(1));
    assert!(inflate(7) == whole, "it depends on the pieces");
    assert!(whole.is_none_or(|text| text.len() <= INFLATED_MAX));
}
