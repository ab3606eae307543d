//! The bytes of a body as far as they have come, under the limit of one body and the budget of all.

use std::io;

use super::error::BodyError;
use convosync_application::byte_budget::Reservation;

/// What is set aside at most for a body before anything of it has come, and what is little to copy.
const SMALL: usize = 1 << 16;

/// The bytes of a body as far as they have come.
#[derive(Debug)]
pub(super) struct BodyBuffer {
    bytes: Vec<u8>,
    limit: usize,
    longest: usize,
    reservation: Reservation,
}

impl BodyBuffer {
    /// Nothing yet, of a body that has declared its length or not.
    pub(super) fn new(declared: Option<usize>, limit: usize, reservation: Reservation) -> Self {
        let longest = declared.unwrap_or(limit).min(limit);
        Self {
            bytes: Vec::with_capacity(declared.map_or(0, |_| longest.min(SMALL))),
            limit,
            longest,
            reservation,
        }
    }

    /// Adds all of these bytes or none.
    pub(super) fn push(&mut self, more: &[u8]) -> Result<(), BodyError> {
        if more.len() > self.limit.saturating_sub(self.bytes.len()) {
            return Err(BodyError::TooLarge);
        }
        if !self.reservation.grow(more.len()) {
            return Err(BodyError::NoRoom);
        }
        self.make_room(more.len());
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// The bytes, and what of the budget is to be kept as long as they are.
    pub(super) fn into_parts(self) -> (Vec<u8>, Reservation) {
        (self.bytes, self.reservation)
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

/// For a decoder to write to. Its errors hold a [`BodyError`].
impl io::Write for BodyBuffer {
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
    use super::*;
    use convosync_application::byte_budget::ByteBudget;

    #[test]
    fn bytes_are_taken_up_to_the_limit() {
        let mut received = BodyBuffer::new(None, 5, ByteBudget::new(5).reserve());
        assert_eq!(received.push(b"abc"), Ok(()));
        assert_eq!(received.push(b"def"), Err(BodyError::TooLarge));
        assert_eq!(received.push(b"de"), Ok(()));
        assert_eq!(received.push(b""), Ok(()));
        assert_eq!(received.push(b"f"), Err(BodyError::TooLarge));
        assert_eq!(received.into_parts().0, b"abcde");
    }

    #[test]
    fn bytes_are_taken_while_there_is_room_for_all_bodies() {
        let budget = ByteBudget::new(6);
        let mut first = BodyBuffer::new(None, 5, budget.reserve());
        let mut second = BodyBuffer::new(None, 5, budget.reserve());
        assert_eq!(first.push(b"abcd"), Ok(()));
        assert_eq!(second.push(b"abc"), Err(BodyError::NoRoom));
        let (_bytes, share) = first.into_parts();
        assert_eq!(second.push(b"abc"), Err(BodyError::NoRoom));
        drop(share);
        assert_eq!(second.push(b"abc"), Ok(()));
    }

    #[test]
    fn growing_leaves_little_behind() {
        const LIMIT: usize = 4 * SMALL;
        for (declared, longest) in [(None, LIMIT), (Some(3 * SMALL), 3 * SMALL)] {
            let budget = ByteBudget::new(LIMIT);
            let mut received = BodyBuffer::new(declared, LIMIT, budget.reserve());
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
