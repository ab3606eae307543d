//! The bytes of a body as far as they have come, under the limit of one body and the budget of all.

use std::fmt;
use std::io;

use super::budget::Share;

/// What is set aside at most for a body before anything of it has come, and what is little to copy.
const SMALL: usize = 1 << 16;

/// Why a body is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is longer than one body may be.
    TooLarge,
    /// The bodies in flight hold all that they may hold together.
    NoRoom,
    /// It says that it is gzip and is not, or not to its end.
    NotGzip,
    /// It is gzip in more pieces than anybody needs.
    TooManyMembers,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "larger than one body may be",
            Self::NoRoom => "no room left for bodies in flight",
            Self::NotGzip => "not gzip",
            Self::TooManyMembers => "gzip of too many members",
        })
    }
}

impl std::error::Error for Refused {}

/// The bytes of a body as far as they have come.
#[derive(Debug)]
pub(super) struct Received {
    bytes: Vec<u8>,
    limit: usize,
    longest: usize,
    share: Share,
}

impl Received {
    /// Nothing yet, of a body that has declared its length or not.
    pub(super) fn new(declared: Option<usize>, limit: usize, share: Share) -> Self {
        let longest = declared.unwrap_or(limit).min(limit);
        Self {
            bytes: Vec::with_capacity(declared.map_or(0, |_| longest.min(SMALL))),
            limit,
            longest,
            share,
        }
    }

    /// Adds all of these bytes or none.
    pub(super) fn push(&mut self, more: &[u8]) -> Result<(), Refused> {
        if more.len() > self.limit.saturating_sub(self.bytes.len()) {
            return Err(Refused::TooLarge);
        }
        if !self.share.grow(more.len()) {
            return Err(Refused::NoRoom);
        }
        self.make_room(more.len());
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// The bytes, and the share of the budget that is to be kept as long as they are.
    pub(super) fn into_parts(self) -> (Vec<u8>, Share) {
        (self.bytes, self.share)
    }

    /// Grows by doubling while there is little, then at once to the greatest length: each growth
    /// leaves a copy behind that the allocator may keep, while room that is not written to yet is no
    /// memory. Where so much cannot be set aside, doubling goes on.
    fn make_room(&mut self, more: usize) {
        let needed = self.bytes.len().saturating_add(more);
        if needed <= self.bytes.capacity() {
            return;
        }
        let doubled = self.bytes.capacity().saturating_mul(2).max(needed);
        let capacity = if doubled > SMALL {
            self.longest.max(needed)
        } else {
            doubled
        };
        let missing = capacity.saturating_sub(self.bytes.len());
        if self.bytes.try_reserve_exact(missing).is_err() {
            self.bytes.reserve(more);
        }
    }
}

/// For a decoder to write to. Its errors hold a [`Refused`].
impl io::Write for Received {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::Budget;
    use super::*;

    #[test]
    fn bytes_are_taken_up_to_the_limit() {
        let mut received = Received::new(None, 5, Budget::new(5).share());
        assert_eq!(received.push(b"abc"), Ok(()));
        assert_eq!(received.push(b"def"), Err(Refused::TooLarge));
        assert_eq!(received.push(b"de"), Ok(()));
        assert_eq!(received.push(b""), Ok(()));
        assert_eq!(received.push(b"f"), Err(Refused::TooLarge));
        assert_eq!(received.into_parts().0, b"abcde");
    }

    #[test]
    fn bytes_are_taken_while_there_is_room_for_all_bodies() {
        let budget = Budget::new(6);
        let mut first = Received::new(None, 5, budget.share());
        let mut second = Received::new(None, 5, budget.share());
        assert_eq!(first.push(b"abcd"), Ok(()));
        assert_eq!(second.push(b"abc"), Err(Refused::NoRoom));
        let (_bytes, share) = first.into_parts();
        assert_eq!(second.push(b"abc"), Err(Refused::NoRoom));
        drop(share);
        assert_eq!(second.push(b"abc"), Ok(()));
    }

    #[test]
    fn growing_leaves_little_behind() {
        const LIMIT: usize = 4 * SMALL;
        for (declared, longest) in [(None, LIMIT), (Some(3 * SMALL), 3 * SMALL)] {
            let budget = Budget::new(LIMIT);
            let mut received = Received::new(declared, LIMIT, budget.share());
            let mut left_behind = 0;
            for _ in 0..longest / 1_024 {
                let before = received.bytes.capacity();
                received.push(&[b' '; 1_024]).unwrap();
                if received.bytes.capacity() != before {
                    left_behind += before;
                }
            }
            assert!(received.bytes.capacity() <= longest);
            assert!(left_behind <= 2 * SMALL, "{left_behind}");
        }
    }
}
