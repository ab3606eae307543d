//! What the bearer of an API key may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One thing that the bearer of an API key may do. None implies another. They are in the order of their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `admin`: administer the server.
    Admin,
    /// `sync:any`: post and pull as any visitor that a request names.
    SyncAny,
    /// `visitors:create`: register visitors.
    VisitorsCreate,
    /// `visitors:erase`: erase a visitor with everything of theirs.
    VisitorsErase,
    /// `visitors:export`: read everything that a visitor has.
    VisitorsExport,
    /// `visitors:merge`: make an anonymous visitor part of a registered one.
    VisitorsMerge,
}

/// A text that names no [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such scope")]
pub struct UnknownScope;

impl Scope {
    /// Every scope, in order.
    pub const ALL: [Self; 6] = [
        Self::Admin,
        Self::SyncAny,
        Self::VisitorsCreate,
        Self::VisitorsErase,
        Self::VisitorsExport,
        Self::VisitorsMerge,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::SyncAny => "sync:any",
            Self::VisitorsCreate => "visitors:create",
            Self::VisitorsErase => "visitors:erase",
            Self::VisitorsExport => "visitors:export",
            Self::VisitorsMerge => "visitors:merge",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(word: &str) -> Result<Self, UnknownScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == word);
        found.ok_or(UnknownScope)
    }
}

/// A set of scopes; as a text its words in order, with commas between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Whether this scope is among them.
    #[must_use]
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.iter().map(Scope::as_str).collect();
        f.pad(&words.join(","))
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(Scope::from_str).collect()
    }
}
