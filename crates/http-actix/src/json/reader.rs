//! The walk over the fields of an object: every object of a body obeys the same rules for its keys.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use convosync_application::sync::VIOLATIONS_MAX;
use convosync_domain::json::{JsonErrorKind, KEY_BYTES_MAX, KEYS_MAX};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::leniency::Leniency;
use super::seen_keys::SeenKeys;
use super::string::decode_text;
use super::violation::{JsonPath, Problem, Violation};
use crate::settings::Limits;

/// A text that is being read, and what has been found wrong with it so far. A violation never ends the
/// reading: all bad places are told together.
pub(crate) struct Reader<'a> {
    text: &'a str,
    pub(crate) limits: &'a Limits,
    pub(crate) leniency: Leniency,
    violations: Vec<Violation>,
    /// Whether a value has been read that is not kept as it was sent.
    pub(super) mended: Cell<bool>,
    /// How far the text has been read, in bytes.
    position: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, limits: &'a Limits, leniency: Leniency) -> Self {
        Self {
            text,
            limits,
            leniency,
            violations: Vec::new(),
            mended: Cell::new(false),
            position: 0,
        }
    }

    pub(crate) fn has_violations(&self) -> bool {
        !self.violations.is_empty()
    }

    /// Whether a value has been read since this was asked last that is not kept as it was sent.
    pub(crate) fn take_mended(&self) -> bool {
        self.mended.take()
    }

    /// How many violations have been noted.
    pub(crate) fn violations(&self) -> usize {
        self.violations.len()
    }

    /// Takes back the violations after the first so many, and returns the one of them that stands first in
    /// the text.
    pub(crate) fn take_violations_after(&mut self, count: usize) -> Option<Violation> {
        let taken = self.violations.drain(count.min(self.violations.len())..);
        taken.min_by_key(|violation| violation.at)
    }

    /// The violations, those of other readers of the text among them, in its order.
    pub(crate) fn into_violations(mut self, others: Vec<Violation>) -> Vec<Violation> {
        self.violations.extend(others);
        self.violations.sort_by_key(|violation| violation.at);
        self.violations.truncate(VIOLATIONS_MAX);
        self.violations
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Where a part of the text begins, in bytes.
    pub(crate) fn offset_of(&self, part: &str) -> usize {
        part.as_ptr()
            .addr()
            .saturating_sub(self.text.as_ptr().addr())
    }

    /// Notes what is wrong with a part of the text. More than are told are not kept.
    pub(crate) fn report(&mut self, part: &str, path: &JsonPath<'_>, problem: impl Into<Problem>) {
        self.report_at(self.offset_of(part), path, problem);
    }

    /// Notes what is wrong at an offset. More than are told are not kept.
    pub(crate) fn report_at(
        &mut self,
        at: usize,
        path: &JsonPath<'_>,
        problem: impl Into<Problem>,
    ) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations
                .push(Violation::new(at, path, problem.into()));
        }
    }

    /// The value of a part of the text, unless that is wrong.
    pub(crate) fn keep<T>(
        &mut self,
        read: Result<T, Problem>,
        part: &str,
        path: &JsonPath<'_>,
    ) -> Option<T> {
        read.map_err(|problem| self.report(part, path, problem))
            .ok()
    }

    /// Notes that something is missing in what began at an offset: that is known only at its end,
    /// but stands before the violations inside.
    pub(crate) fn missing(&mut self, at: usize, path: &JsonPath<'_>, problem: impl Into<Problem>) {
        self.violations
            .push(Violation::new(at, path, problem.into()));
    }

    /// The next value, unread.
    pub(crate) fn raw_value<M: MapAccess<'a>>(
        &mut self,
        fields: &mut M,
    ) -> Result<&'a str, M::Error> {
        let raw = fields.next_value::<&'a RawValue>()?.get();
        self.pass(raw);
        Ok(raw)
    }

    /// Notes that a part of the text has been read and returns where it begins.
    pub(crate) fn pass(&mut self, part: &str) -> usize {
        let start = self.offset_of(part);
        self.position = start + part.len();
        start
    }

    /// Notes that a bracket has been read, which comes next.
    pub(crate) fn pass_bracket(&mut self) {
        self.position = self.next_token() + 1;
    }

    /// The first byte of the value that comes next, after the key or the item read last.
    pub(crate) fn peek_value(&self) -> Option<u8> {
        self.text.as_bytes().get(self.next_token()).copied()
    }

    /// Where the next bracket or value begins.
    fn next_token(&self) -> usize {
        let rest = self
            .text
            .as_bytes()
            .get(self.position..)
            .unwrap_or_default();
        let between = rest.iter().take_while(|byte| b" \t\r\n:,".contains(byte));
        self.position + between.count()
    }

    /// Reads the keys of an object one by one and lets `field` read the value of each that is in
    /// order.
    pub(crate) fn walk<M: MapAccess<'a>>(
        &mut self,
        fields: &mut M,
        path: &JsonPath<'_>,
        mut field: impl FnMut(&mut Self, &mut M, &str) -> Result<(), M::Error>,
    ) -> Result<(), M::Error> {
        let mut seen = SeenKeys::default();
        let mut too_many = false;
        while let Some(raw) = fields.next_key::<&'a RawValue>()? {
            let raw = raw.get();
            self.pass(raw);
            match self.check_key(raw, path, &mut seen, &mut too_many) {
                Some(key) => field(self, fields, &key)?,
                None => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    /// The key, unless something is wrong with it or with the number of keys.
    fn check_key(
        &mut self,
        raw: &'a str,
        path: &JsonPath<'_>,
        seen: &mut SeenKeys<'a>,
        too_many: &mut bool,
    ) -> Option<Cow<'a, str>> {
        let key = match decode_text(raw) {
            Ok(key) => key,
            Err(problem) => {
                self.report(raw, path, problem);
                return None;
            }
        };
        let problem = if key.len() > KEY_BYTES_MAX {
            JsonErrorKind::KeyTooLong
        } else if seen.len() == KEYS_MAX {
            if !*too_many {
                *too_many = true;
                self.report(raw, path, JsonErrorKind::TooManyKeys.to_string());
            }
            return None;
        } else if !seen.insert(key.clone()) {
            JsonErrorKind::DuplicateKey
        } else {
            return Some(key);
        };
        self.report(raw, &path.key(&key), problem.to_string());
        None
    }
}

/// What the fields of an object are read into.
pub(crate) trait Object<'a> {
    /// Reads the value that comes next, under this key.
    fn read_value<M: MapAccess<'a>>(
        &mut self,
        reader: &mut Reader<'a>,
        fields: &mut M,
        key: &str,
        path: &JsonPath<'_>,
    ) -> Result<(), M::Error>;
}

/// Reads an object, where it is known to be one.
pub(crate) struct ObjectVisitor<'r, 'a, T> {
    pub(crate) reader: &'r mut Reader<'a>,
    pub(crate) object: &'r mut T,
    pub(crate) path: &'r JsonPath<'r>,
}

impl<'a, T: Object<'a>> DeserializeSeed<'a> for ObjectVisitor<'_, 'a, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'a, T: Object<'a>> Visitor<'a> for ObjectVisitor<'_, 'a, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut fields: M) -> Result<(), M::Error> {
        let Self {
            reader,
            object,
            path,
        } = self;
        reader.walk(&mut fields, path, |reader, fields, key| {
            object.read_value(reader, fields, key, path)
        })
    }
}
