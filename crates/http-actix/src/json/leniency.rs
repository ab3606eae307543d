//! What is taken that is not quite as it should be.

use crate::settings::UnknownFields;

/// What is taken of a body that is not quite as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leniency {
    /// What is done with fields that nobody knows.
    pub(crate) unknown_fields: UnknownFields,
    /// Whether what no store can hold as a text is mended to U+FFFD, JSON values keep it as it is sent, and
    /// numbers are taken for Unix time.
    pub(crate) mends: bool,
    /// Whether bad items are left out, and the others taken.
    pub(crate) leaves_out_bad_items: bool,
}

impl Leniency {
    /// Nothing of the kind is taken.
    pub(crate) const STRICT: Self = Self {
        unknown_fields: UnknownFields::Reject,
        mends: false,
        leaves_out_bad_items: false,
    };
    /// Everything is taken that can be.
    pub(crate) const FULL: Self = Self::with(UnknownFields::Keep);

    /// What is taken where the client does not say.
    pub(crate) const fn with(unknown_fields: UnknownFields) -> Self {
        Self {
            unknown_fields,
            mends: true,
            leaves_out_bad_items: false,
        }
    }

    /// The same, with bad items left out.
    pub(crate) const fn leaving_out_bad_items(self) -> Self {
        Self {
            leaves_out_bad_items: true,
            ..self
        }
    }

    /// Whether a message may have been stored that is not taken now, so that it has to be read again.
    pub(crate) fn reads_known_texts(self) -> bool {
        !self.mends || self.unknown_fields == UnknownFields::Reject
    }
}
