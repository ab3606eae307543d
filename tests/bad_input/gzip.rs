//! Bodies in gzip, broken ones, and small ones that inflate to something large.

use insta::assert_snapshot;

use super::{MARKER, Request, Visitor, conversation};

/// What stands before the first block: no name, no time, no system.
const HEAD: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// A text in gzip that does not compress, in one block.
fn gzip(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let block = [
        &[1],
        length.to_le_bytes().as_slice(),
        &(!length).to_le_bytes(),
        text,
    ]
    .concat();
    let end = [crc_32(text).to_le_bytes(), u32::from(length).to_le_bytes()];
    [HEAD, &block, &end.concat()].concat()
}

fn crc_32(text: &[u8]) -> u32 {
    !text.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            }
        })
    })
}

/// The beginning of a gzip that inflates to a space and then this often 258 more of them.
fn bomb(repeats: usize) -> Vec<u8> {
    // The last block, in the fixed code; a space; "258 times the one before", again and again.
    let last_and_fixed = "1".to_owned() + "10";
    let space = "01010000";
    let repeat = "11000101".to_owned() + "00000";
    let bits = last_and_fixed + space + &repeat.repeat(repeats);
    let bits: Vec<_> = bits.bytes().map(|bit| bit - b'0').collect();
    let bytes = bits
        .chunks(8)
        .map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit));
    HEAD.iter().copied().chain(bytes).collect()
}

fn post(gzip: impl Into<Vec<u8>>) -> Request {
    Request::post(gzip).with("Content-Encoding", "gzip")
}

#[test]
fn a_body_in_gzip() {
    let visitor = Visitor::new();
    let text = conversation(",\"title\":\"T\"");
    let answer = visitor.expect_taken(&post(gzip(text.as_bytes())));
    assert_eq!(answer["created"], 1);
    let (first, second) = text.split_at(30);
    let members = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    let answer = visitor.expect_taken(
        &post(members)
            .without("Content-Encoding")
            .with("Content-Encoding", "GZIP"),
    );
    assert_eq!(answer["updated"], 1);
}

#[test]
fn a_body_that_is_no_gzip() {
    let visitor = Visitor::new();
    let text = conversation(",\"title\":\"m4rker\"");
    let whole = gzip(text.as_bytes());
    let answer = visitor.refusal(&post(&*text));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"body","message":"not gzip"}]}"#);

    let changed = |at: usize| {
        let mut gzip = whole.clone();
        gzip[at] ^= 1;
        gzip
    };
    let end = whole.len();
    let mut broken = vec![Vec::new()];
    broken.extend([0, 1, 2, 10, 11, 13, 30, end - 8, end - 4, end - 1].map(changed));
    broken.extend(
        [1, 5, 10, 12, 30, end - 9, end - 8, end - 4, end - 1].map(|cut| whole[..cut].to_vec()),
    );
    broken.push([whole.as_slice(), MARKER.as_bytes()].concat());
    broken.push([whole.as_slice(), &whole[..12]].concat());
    for (number, gzip) in broken.into_iter().enumerate() {
        let answer = visitor.refusal(&post(gzip));
        assert!(
            answer
                .body
                .contains(r#"{"path":"body","message":"not gzip"}"#),
            "{number}: {answer:?}"
        );
    }

    let answer = visitor.refusal(&post(gzip(b"{\"m4rker\":")));
    assert!(
        answer.body.contains(r#""message":"not JSON: EOF"#),
        "{answer:?}"
    );
    let twice = visitor.refusal(&post(gzip(&whole)));
    assert_eq!(twice.status, 400);
}

#[test]
fn a_body_that_inflates_beyond_the_limit() {
    let visitor = Visitor::new();
    let repeats = (64 << 20) / 258 + 1;
    let bomb = bomb(repeats);
    assert!(bomb.len() < 500_000);
    let idle = visitor.server.peak_memory();
    let answer = visitor.refusal(&post(bomb));
    if let (Some(idle), Some(peak)) = (idle, visitor.server.peak_memory()) {
        assert!(peak - idle <= 16, "{idle} MiB idle, {peak} MiB at most");
    }
    assert_snapshot!(answer.shown(), @r#"413 {"error":"Body larger than 67108864 bytes","code":"body_too_large"}"#);
}

#[test]
fn the_limit_counts_what_is_inflated() {
    let visitor = Visitor::with_settings(&[("CONVOSYNC__LIMITS__BODY_BYTES", "1000")]);
    let text = |length| format!("{:length$}", r#"{"conversations":[]}"#);
    visitor.expect_taken(&post(gzip(text(900).as_bytes())));
    assert_eq!(visitor.refusal(&post(bomb(4))).status, 413);
    assert_eq!(
        visitor.refusal(&post(gzip(text(1_001).as_bytes()))).status,
        413
    );
}
