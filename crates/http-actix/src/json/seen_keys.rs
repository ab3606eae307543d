//! Which keys an object has had, so that none stands twice.

use std::borrow::Cow;
use std::collections::HashSet;

use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

/// Up to so many keys a search is cheaper than a table; the objects of the API have fewer.
const FEW: usize = 32;
const FILTER_WORDS: usize = 8;

/// The keys of one object. Known objects have few keys and hardly ever one twice: then a key costs
/// a hash and one bit.
#[derive(Default)]
pub(crate) struct SeenKeys<'a> {
    /// A bit for the hash of each key: where it is not set, the key is new.
    filter: [u64; FILTER_WORDS],
    few: SmallVec<[Cow<'a, str>; FEW]>,
    /// All of them, once they are not few any more.
    many: HashSet<Cow<'a, str>>,
}

impl<'a> SeenKeys<'a> {
    pub(crate) fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }

    /// Notes a key and tells whether it is new.
    pub(crate) fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if !self.many.is_empty() {
            return self.many.insert(key);
        }
        if !self.note_hash(xxh3_64(key.as_bytes())) && self.few.contains(&key) {
            return false;
        }
        if self.few.len() == FEW {
            self.many.extend(self.few.drain(..));
            return self.many.insert(key);
        }
        self.few.push(key);
        true
    }

    /// Sets the bit of a hash and tells whether that is new.
    fn note_hash(&mut self, hash: u64) -> bool {
        let [word, bit, ..] = hash.to_le_bytes();
        let mask = 1_u64 << (bit % 64);
        let Some(word) = self.filter.get_mut(usize::from(word) % FILTER_WORDS) else {
            return false;
        };
        let is_new = *word & mask == 0;
        *word |= mask;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_new_once() {
        let keys: Vec<_> = (0..1_000).map(|number| format!("key {number}")).collect();
        let mut seen = SeenKeys::default();
        for (count, key) in keys.iter().enumerate() {
            assert_eq!(seen.len(), count);
            assert!(seen.insert(Cow::Borrowed(key)), "{key}");
            for earlier in [&keys[0], &keys[count / 2], key] {
                assert!(!seen.insert(Cow::Borrowed(earlier)), "{earlier}");
            }
        }
    }
}
