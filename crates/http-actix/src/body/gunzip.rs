//! Gzip, inflated piece by piece.

use std::io::{self, Write as _};

use flate2::write::GzDecoder;

use super::error::BodyError;

/// The most members of a gzip. Each costs the set-up of a decoder, even an empty one of 20 bytes;
/// tools that write blocks as members make one of at most 64 KiB of text.
const MEMBERS_MAX: usize = 10_000;

/// Inflates gzip into a writer, whose errors hold a [`BodyError`]; beside it, it holds one window. The
/// members of a gzip are one text.
#[derive(Debug)]
pub(super) struct Gunzip<W: io::Write> {
    /// There is none after an error only.
    member: Option<GzDecoder<W>>,
    members: usize,
}

impl<W: io::Write> Gunzip<W> {
    pub(super) fn into(inflated: W) -> Self {
        Self {
            member: Some(GzDecoder::new(inflated)),
            members: 1,
        }
    }

    /// Inflates what comes next, wherever it was cut.
    pub(super) fn write(&mut self, deflated: &[u8]) -> Result<(), BodyError> {
        let mut rest = deflated;
        while !rest.is_empty() {
            let member = self.member.as_mut().ok_or(BodyError::NotGzip)?;
            let taken = member.write(rest).map_err(body_error)?;
            if taken == 0 {
                self.begin_member()?;
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Everything inflated, when the gzip is at its end and its checksums are right.
    pub(super) fn finish(self) -> Result<W, BodyError> {
        let member = self.member.ok_or(BodyError::NotGzip)?;
        member.finish().map_err(body_error)
    }

    /// Begins another member after the one that takes no more.
    fn begin_member(&mut self) -> Result<(), BodyError> {
        if self.members == MEMBERS_MAX {
            return Err(BodyError::TooManyMembers);
        }
        let member = self.member.take().ok_or(BodyError::NotGzip)?;
        let inflated = member.finish().map_err(body_error)?;
        self.member = Some(GzDecoder::new(inflated));
        self.members += 1;
        Ok(())
    }
}

/// Counts what is inflated and keeps none of it.
#[derive(Debug)]
pub(super) struct LengthLimit {
    left: usize,
}

impl LengthLimit {
    /// Refuses what is longer than this.
    pub(super) fn up_to(limit: usize) -> Self {
        Self { left: limit }
    }
}

impl io::Write for LengthLimit {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or_else(|| io::Error::other(BodyError::TooLarge))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whatever the decoder itself says, the bytes are no gzip.
fn body_error(error: io::Error) -> BodyError {
    error.downcast().unwrap_or(BodyError::NotGzip)
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, GzBuilder};

    use super::super::buffer::BodyBuffer;
    use super::*;
    use convosync_application::byte_budget::ByteBudget;

    const TEXT: &[u8] = b"{\"conversations\":[]} and more, and more, and more";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzBuilder::new()
            .filename("name")
            .extra("extra")
            .comment("comment")
            .write(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate<'a>(
        limit: usize,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<u8>, BodyError> {
        let budget = ByteBudget::new(limit);
        let mut gunzip = Gunzip::into(BodyBuffer::new(None, limit, budget.reserve()));
        let written = pieces.into_iter().try_for_each(|piece| gunzip.write(piece));
        let inflated = written.and_then(|()| gunzip.finish());
        let inflated = inflated.map(|received| received.into_parts().0);
        assert_eq!(budget.left(), limit);
        inflated
    }

    #[test]
    fn the_network_may_cut_anywhere() {
        let gzip = gzip(TEXT);
        for at in 0..=gzip.len() {
            let (first, second) = gzip.split_at(at);
            assert_eq!(inflate(100, [first, second]).unwrap(), TEXT, "{at}");
        }
        for size in 1..=gzip.len() {
            assert_eq!(inflate(100, gzip.chunks(size)).unwrap(), TEXT, "{size}");
        }
    }

    #[test]
    fn a_gzip_that_ends_too_early_is_none() {
        let gzip = gzip(TEXT);
        let two = [gzip.as_slice(), &gzip].concat();
        for end in (0..gzip.len()).chain(gzip.len() + 1..two.len()) {
            for size in [1, 7, two.len()] {
                let pieces = two[..end].chunks(size);
                assert_eq!(inflate(100, pieces), Err(BodyError::NotGzip), "{end}");
            }
        }
    }

    #[test]
    fn what_is_no_gzip_or_follows_its_end_is_refused() {
        let gzip = gzip(TEXT);
        for trailing in [
            b"\0".as_slice(),
            b"\x1f",
            b"\x1f\x8b",
            b"{}",
            &[0; 512],
            &gzip[..12],
        ] {
            let longer = [gzip.as_slice(), trailing].concat();
            for size in [1, 7, gzip.len(), longer.len()] {
                let pieces = longer.chunks(size);
                assert_eq!(
                    inflate(100, pieces),
                    Err(BodyError::NotGzip),
                    "{trailing:?}"
                );
            }
        }
        for other in [TEXT, b"\x78\x9c\x03\0\0\0\0\x01", b"\x1f\x8b\x07"] {
            assert_eq!(inflate(100, [other]), Err(BodyError::NotGzip), "{other:?}");
        }
        assert_eq!(inflate(100, []), Err(BodyError::NotGzip));
    }

    #[test]
    fn a_wrong_checksum_length_or_block_is_refused() {
        let gzip = gzip(TEXT);
        // The checksum and the length, and the first bytes of the deflated text.
        let text = gzip.len() - 8 - 40;
        for at in (text..text + 3).chain(gzip.len() - 8..gzip.len()) {
            let mut broken = gzip.clone();
            broken[at] ^= 0x10;
            assert_eq!(inflate(1_000, [&*broken]), Err(BodyError::NotGzip), "{at}");
        }
    }

    #[test]
    fn members_are_one_text_and_may_be_empty() {
        assert_eq!(inflate(0, [&*gzip(b"")]).unwrap(), b"");
        let members = [gzip(b""), gzip(TEXT), gzip(b""), gzip(b"!"), gzip(b"")].concat();
        let text = [TEXT, b"!"].concat();
        for size in 1..=members.len() {
            assert_eq!(inflate(100, members.chunks(size)).unwrap(), text, "{size}");
        }
    }

    #[test]
    fn members_without_end_are_refused() {
        let empty = gzip(b"");
        let most = empty.repeat(MEMBERS_MAX);
        assert_eq!(inflate(0, most.chunks(1_000)).unwrap(), b"");
        let more = [most.as_slice(), &empty].concat();
        let refused = inflate(0, more.chunks(1_000));
        assert_eq!(refused, Err(BodyError::TooManyMembers));
    }

    #[test]
    fn the_limit_is_that_of_the_inflated_text() {
        let members = [gzip(TEXT), gzip(TEXT)].concat();
        let length = 2 * TEXT.len();
        for size in [1, 7, members.len()] {
            assert!(inflate(length, members.chunks(size)).is_ok());
            let pieces = members.chunks(size);
            assert_eq!(inflate(length - 1, pieces), Err(BodyError::TooLarge));
        }
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        const LIMIT: usize = 64 << 20;
        let bomb = gzip(&vec![b' '; LIMIT + 1]);
        assert!(bomb.len() < 70_000, "{}", bomb.len());
        let mut gunzip = Gunzip::into(LengthLimit::up_to(LIMIT));
        let mut outcome = Ok(());
        for piece in bomb.chunks(1_000) {
            outcome = outcome.and_then(|()| gunzip.write(piece));
        }
        let outcome = outcome.and_then(|()| gunzip.finish().map(|_| ()));
        assert_eq!(outcome, Err(BodyError::TooLarge));
        assert!(inflate(LIMIT + 1, [&*bomb]).is_ok());
    }

    #[test]
    fn a_share_that_does_not_suffice_is_told_as_such() {
        let received = BodyBuffer::new(None, 100, ByteBudget::new(TEXT.len() - 1).reserve());
        let mut gunzip = Gunzip::into(received);
        let written = gunzip.write(&gzip(TEXT));
        let outcome = written.and_then(|()| gunzip.finish().map(|_| ()));
        assert_eq!(outcome, Err(BodyError::NoRoom));
    }
}
