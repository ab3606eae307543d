//! Values that are more than a number or a text.

use std::fmt;

use convosync_http_actix::UnknownFields;
use serde::{Deserialize, Deserializer, de};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Reads a whole number from `MIN` to `MAX`.
pub(super) fn between<'de, const MIN: u64, const MAX: u64, T, D>(
    deserializer: D,
) -> Result<T, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    let number = u64::deserialize(deserializer)?;
    let out_of_range = || de::Error::custom(format!("must be {MIN} to {MAX}, not {number}"));
    if !(MIN..=MAX).contains(&number) {
        return Err(out_of_range());
    }
    T::try_from(number).map_err(|_too_large_for_this_machine| out_of_range())
}

/// Where a store is: a scheme that says which kind of store, and what that kind makes of the rest.
/// It may hold a password, so nothing prints it whole.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct StoreUrl {
    scheme: String,
    rest: String,
}

impl StoreUrl {
    /// What stands before `://`.
    pub(crate) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The URL as it was given, which may hold a password.
    pub(crate) fn with_secrets(&self) -> String {
        format!("{}://{}", self.scheme, self.rest)
    }

    /// What stands after `://`.
    pub(crate) fn rest(&self) -> &str {
        &self.rest
    }
}

impl TryFrom<String> for StoreUrl {
    type Error = &'static str;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        match url.split_once("://") {
            Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => Ok(Self {
                scheme: scheme.to_owned(),
                rest: rest.to_owned(),
            }),
            _ => Err("must be like sqlite://PATH or postgres://HOST/DATABASE"),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, rest } = self;
        if scheme == "sqlite" {
            return write!(f, "{scheme}://{rest}");
        }
        // A password may hold `?` and, against the rules, `/`; a parameter may hold `@`.
        let authority = rest.split('/').next().unwrap_or_default();
        let after = match authority.contains('@') {
            true => authority,
            false => rest.split('?').next().unwrap_or_default(),
        };
        let credentials = after.rfind('@').map_or(0, |at| at + 1);
        let place = rest.get(credentials..).unwrap_or_default();
        let place = place.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://***@{place}")
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Which events are logged: a level, then exceptions for parts of the program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct LogLevel(String);

/// Parts of the program that are logged only where they are named: clients decide what these have to tell, and
/// how often, and it may be what they sent.
const ABOUT_CLIENTS: &str = "h2=off,rustls=off,actix_http::h2=error";

impl LogLevel {
    /// The filter that this level means.
    pub(crate) fn filter(&self) -> EnvFilter {
        EnvFilter::builder()
            .with_default_directive(LevelFilter::OFF.into())
            // Of the same part, the later one holds.
            .parse_lossy(format!("{ABOUT_CLIENTS},{}", self.0))
    }
}

impl TryFrom<String> for LogLevel {
    type Error = String;

    fn try_from(directives: String) -> Result<Self, Self::Error> {
        for directive in directives.split(',') {
            let level = directive.rsplit('=').next().unwrap_or_default();
            // Alone, a misspelt level would be taken for a part of the program.
            if level.is_empty() || level.parse::<LevelFilter>().is_err() {
                return Err(format!(
                    "{level:?} must be one of off, error, warn, info, debug and trace"
                ));
            }
        }
        match EnvFilter::builder().parse(&directives) {
            Ok(_) => Ok(Self(directives)),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Reads one of these words, each with what it stands for.
fn one_of<'de, T: Copy, D: Deserializer<'de>>(
    deserializer: D,
    words: &[(&str, T)],
) -> Result<T, D::Error> {
    let word = String::deserialize(deserializer)?;
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = words
            .iter()
            .map(|(known, _)| format!("{known:?}"))
            .collect();
        de::Error::custom(format!("must be one of {}, not {word:?}", known.join(", ")))
    })
}

/// Declares how a setting is read that is one of a few words.
macro_rules! words {
    ($name:ident -> $type:ident { $($word:literal => $variant:ident),+ }) => {
        pub(super) fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
            one_of(deserializer, &[$(($word, $type::$variant)),+])
        }
    };
}

words!(log_format -> LogFormat { "auto" => Auto, "text" => Text, "json" => Json });
words!(auth_mode -> AuthMode { "auto" => Auto, "open" => Open, "protected" => Protected });
words!(registration -> Registration { "auto" => Auto, "explicit" => Explicit, "on_first_sync" => OnFirstSync });
words!(unknown_fields -> UnknownFields { "keep" => Keep, "reject" => Reject });

/// Whether proof is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthMode {
    /// Only where strangers reach the server.
    Auto,
    /// From nobody.
    Open,
    /// From everybody.
    Protected,
}

/// Who registers visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registration {
    /// As it suits the mode of access.
    Auto,
    /// Only whoever asks for it.
    Explicit,
    /// The first valid post, too.
    OnFirstSync,
}

/// A text that nothing prints.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text; `None` if there is none.
    pub(crate) fn reveal(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// For people.
    Text,
    /// One object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer as _;

    use super::*;

    fn url(text: &str) -> Result<StoreUrl, &'static str> {
        StoreUrl::try_from(text.to_owned())
    }

    #[test]
    fn everything_after_the_scheme_is_the_path() {
        for path in [
            "data/convosync.db",
            "/var/lib/c.db",
            "a b?c#d%20.db",
            "x://y",
        ] {
            let url = url(&format!("sqlite://{path}")).unwrap();
            assert_eq!((url.scheme(), url.rest()), ("sqlite", path));
            assert_eq!(url.to_string(), format!("sqlite://{path}"));
        }
        for bad in [
            "",
            "data/convosync.db",
            "sqlite:data.db",
            "sqlite://",
            "://x",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_password_is_printed() {
        for (secret, printed) in [
            (
                "postgres://ada:se@cret@db.example:5432/chats",
                "postgres://***@db.example:5432/chats",
            ),
            (
                "postgres://db/chats?user=ada&password=secret",
                "postgres://***@db/chats",
            ),
            ("postgres:///chats", "postgres://***@/chats"),
            (
                "postgres://db/chats?user=ada&password=se@cret",
                "postgres://***@db/chats",
            ),
            ("postgres://ada:se?cret@db/chats", "postgres://***@db/chats"),
            ("postgres://ada:se/cret@db/chats", "postgres://***@db/chats"),
        ] {
            let url = url(secret).unwrap();
            assert_eq!(url.to_string(), printed);
            assert!(!format!("{url:?}").contains("cret"));
        }
    }

    #[test]
    fn a_level_that_is_none_is_refused() {
        for good in ["info", "WARN", "off", "info,convosync_storage_diesel=debug"] {
            assert!(LogLevel::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "inof", "info,", "info,actix", "actix_web=loud"] {
            assert!(LogLevel::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_word_is_one_of_those_known() {
        let read = |word: &str| {
            let word: de::value::StrDeserializer<'_, de::value::Error> = word.into_deserializer();
            log_format(word).map_err(|error| error.to_string())
        };
        assert_eq!(read("json"), Ok(LogFormat::Json));
        assert_eq!(
            read("xml").unwrap_err(),
            r#"must be one of "auto", "text", "json", not "xml""#
        );
    }
}
