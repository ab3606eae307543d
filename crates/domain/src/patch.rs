//! What a post says about a field, and what becomes of the field.

use std::collections::BTreeMap;

use crate::json::JsonValue;

/// What a post says about one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field was not sent: what is stored stays.
    #[default]
    NotSent,
    /// The field was sent as null.
    Null,
    /// The field was sent with a value.
    Value(T),
}

/// Where a post stands in time beside what is stored: it decides which fields the post may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// Values replace, nulls clear.
    Newer,
    /// The same stamp, or a post without one: values replace, nulls do nothing.
    SameOrNone,
    /// Nothing stored changes.
    Older,
}

impl<T> Patch<T> {
    /// The same said about the value that `convert` makes of this one.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::NotSent => Patch::NotSent,
            Self::Null => Patch::Null,
            Self::Value(value) => Patch::Value(convert(value)),
        }
    }
}

impl<T: PartialEq> Patch<T> {
    /// Merges this into a stored field and tells whether the field changed.
    pub fn merge_into(self, stored: &mut Option<T>, precedence: Precedence) -> bool {
        let sent = match (self, precedence) {
            (_, Precedence::Older) | (Self::NotSent, _) | (Self::Null, Precedence::SameOrNone) => {
                return false;
            }
            (Self::Null, Precedence::Newer) => None,
            (Self::Value(value), _) => Some(value),
        };
        let changes = *stored != sent;
        if changes {
            *stored = sent;
        }
        changes
    }

    /// Whether a newer post with this would change the stored field.
    #[must_use]
    pub fn would_change(&self, stored: Option<&T>) -> bool {
        match self {
            Self::NotSent => false,
            Self::Null => stored.is_some(),
            Self::Value(value) => stored != Some(value),
        }
    }
}

/// The fields of an item that Convosync does not know, by name; they are kept and come back.
pub type Extra = BTreeMap<String, JsonValue>;

/// What a post says about unknown fields: a value, or null as `None`.
pub type ExtraPatch = BTreeMap<String, Option<JsonValue>>;

/// Merges unknown fields key by key, like known ones, and tells whether anything changed.
pub fn merge_extra(stored: &mut Extra, patch: ExtraPatch, precedence: Precedence) -> bool {
    let mut changed = false;
    for (name, sent) in patch {
        let mut value = stored.remove(&name);
        changed |= sent
            .map_or(Patch::Null, Patch::Value)
            .merge_into(&mut value, precedence);
        if let Some(value) = value {
            stored.insert(name, value);
        }
    }
    changed
}

/// Whether a newer post with these unknown fields would change the stored ones.
#[must_use]
pub fn extra_would_change(stored: &Extra, patch: &ExtraPatch) -> bool {
    patch
        .iter()
        .any(|(name, sent)| stored.get(name) != sent.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the merge rule, for an item that is stored.
    #[test]
    fn the_merge_table() {
        use Patch::{NotSent, Null, Value};
        use Precedence::{Newer, Older, SameOrNone};
        for (precedence, patch, expected) in [
            (Newer, Value(2), Some(2)),
            (Newer, Null, None),
            (Newer, NotSent, Some(1)),
            (SameOrNone, Value(2), Some(2)),
            (SameOrNone, Null, Some(1)),
            (SameOrNone, NotSent, Some(1)),
            (Older, Value(2), Some(1)),
            (Older, Null, Some(1)),
            (Older, NotSent, Some(1)),
        ] {
            let mut stored = Some(1);
            let would_change = patch.would_change(stored.as_ref());
            let changed = patch.clone().merge_into(&mut stored, precedence);
            assert_eq!(stored, expected, "{precedence:?} {patch:?}");
            assert_eq!(changed, stored != Some(1), "{precedence:?} {patch:?}");
            assert!(would_change || !changed);
        }
    }

    #[test]
    fn unknown_fields_merge_key_by_key() {
        let json = |text| JsonValue::parse(text).unwrap();
        let mut stored = Extra::from([("a".into(), json("1")), ("b".into(), json("2"))]);
        let patch = ExtraPatch::from([("a".into(), None), ("c".into(), Some(json("3")))]);
        assert!(extra_would_change(&stored, &patch));
        assert!(!merge_extra(&mut stored, patch.clone(), Precedence::Older));
        assert!(merge_extra(&mut stored, patch.clone(), Precedence::Newer));
        assert_eq!(
            stored,
            Extra::from([("b".into(), json("2")), ("c".into(), json("3"))])
        );
        assert!(!extra_would_change(&stored, &patch));
        assert!(!merge_extra(&mut stored, patch, Precedence::Newer));
    }
}
