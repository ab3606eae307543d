//! How long the heads on a connection of HTTP/2 are (RFC 9113, 4.1 and 6.2).

use smallvec::SmallVec;

/// The longest head of a request, in bytes as they come.
const LONGEST: usize = 16 << 10;

/// `PRI * HTTP/2.0` and so on, with which a client begins.
const PREFACE: usize = 24;
/// What begins every frame: its length in three bytes, its kind, its flags and its stream.
const FRAME_HEADER: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

/// A head is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a head of more than {LONGEST} bytes")]
pub(super) struct HeadTooLong;

/// Measures the heads in what a client sends, frame by frame and whatever pieces it comes in. What is no HTTP/2 it
/// does not judge.
#[derive(Debug)]
pub(super) struct HeadMeter {
    /// How much of a frame, or of the preface, is still to come.
    rest: usize,
    /// As much of the next frame's header as there is.
    header: SmallVec<[u8; FRAME_HEADER]>,
    /// How long the head is that has come last.
    head: usize,
}

impl HeadMeter {
    /// A connection on which nothing has come yet.
    pub(super) fn new() -> Self {
        Self {
            rest: PREFACE,
            header: SmallVec::new(),
            head: 0,
        }
    }

    /// These bytes have come.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) -> Result<(), HeadTooLong> {
        while !bytes.is_empty() {
            let (skipped, next) = bytes.split_at(self.rest.min(bytes.len()));
            self.rest -= skipped.len();
            let lacking = FRAME_HEADER - self.header.len();
            let (header, next) = next.split_at(lacking.min(next.len()));
            self.header.extend_from_slice(header);
            bytes = next;
            if self.header.len() == FRAME_HEADER {
                self.begin_frame()?;
            }
        }
        Ok(())
    }

    fn begin_frame(&mut self) -> Result<(), HeadTooLong> {
        if let [high, middle, low, kind, ..] = *self.header {
            let length = u32::from_be_bytes([0, high, middle, low]);
            self.rest = usize::try_from(length).unwrap_or(usize::MAX);
            self.head = match kind {
                HEADERS => self.rest,
                CONTINUATION => self.head.saturating_add(self.rest),
                _ => self.head,
            };
        }
        self.header.clear();
        match self.head > LONGEST {
            true => Err(HeadTooLong),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: u8 = 0;

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let header = u32::try_from(length).unwrap().to_be_bytes();
        let mut frame = [&header[1..], &[kind, 0, 0, 0, 0, 1]].concat();
        // What is in a frame is not taken for a frame.
        frame.resize(FRAME_HEADER + length, CONTINUATION);
        frame
    }

    /// Passes frames after the preface, in pieces of every kind of length.
    fn pass(frames: &[Vec<u8>]) -> Result<(), HeadTooLong> {
        let sent = [vec![HEADERS; PREFACE], frames.concat()].concat();
        let in_one = HeadMeter::new().pass(&sent);
        for length in [1, 2, 8, 9, 10, 33, 1_000] {
            let mut meter = HeadMeter::new();
            let in_pieces = sent.chunks(length).try_for_each(|piece| meter.pass(piece));
            assert_eq!(in_pieces, in_one, "{length}");
        }
        in_one
    }

    #[test]
    fn heads_may_have_their_length_and_bodies_any() {
        let longest = frame(HEADERS, LONGEST);
        assert_eq!(pass(&[longest.clone(), longest, frame(HEADERS, 0)]), Ok(()));
        assert_eq!(
            pass(&[
                frame(HEADERS, LONGEST - 10),
                frame(CONTINUATION, 4),
                frame(CONTINUATION, 6),
                frame(DATA, LONGEST * 3),
                frame(HEADERS, 100),
                frame(CONTINUATION, LONGEST - 100),
            ]),
            Ok(())
        );
    }

    #[test]
    fn a_longer_head_is_found_in_one_frame_and_in_several() {
        assert_eq!(pass(&[frame(HEADERS, LONGEST + 1)]), Err(HeadTooLong));
        assert_eq!(
            pass(&[frame(HEADERS, LONGEST - 1), frame(CONTINUATION, 2)]),
            Err(HeadTooLong)
        );
        let mut small = vec![frame(DATA, 5), frame(HEADERS, 1)];
        small.resize(LONGEST + 2, frame(CONTINUATION, 1));
        assert_eq!(pass(&small), Err(HeadTooLong));
    }
}
