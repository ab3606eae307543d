//! The places that settings come from, each as a flat table of dotted keys.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use config::{ConfigError, Environment, File, FileFormat, Map, Source, Value, ValueKind};

use super::variables::{self, PREFIX, SEPARATOR};
use crate::failure::Failure;

/// `config/default.toml`: every key there is, with its default.
pub(crate) const DEFAULTS: &str = include_str!("../../../../config/default.toml");

/// Keys of earlier versions, and those that stand in their place.
const REPLACED: [(&str, &str); 3] = [
    ("limits.json_bytes", "limits.value_bytes"),
    ("limits.text_bytes", "limits.value_bytes"),
    ("limits.title_characters", "limits.value_bytes"),
];

/// A setting given on the command line.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    /// Its key, `server.port`.
    pub(crate) key: &'static str,
    /// The option that gave it, `--port`.
    pub(crate) option: &'static str,
    /// What was given.
    pub(crate) value: ValueKind,
}

/// The settings of one place. Each value knows where it is from.
#[derive(Clone, Debug)]
pub(super) struct Layer(BTreeMap<String, Value>);

impl Layer {
    pub(super) fn defaults() -> Result<Self, Failure> {
        Self::of_text(DEFAULTS, "the defaults")
    }

    pub(super) fn file(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!(
                "cannot read the configuration file {name}: {error}"
            ))
        })?;
        Self::of_text(&text, &name)
    }

    /// Of these variables, those that begin with `CONVOSYNC__`. One that is meant to, by its name, is
    /// refused: it would be ignored.
    pub(super) fn environment(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        defaults: &Self,
    ) -> Result<Self, Failure> {
        let prefix = format!("{PREFIX}{SEPARATOR}");
        let mut texts = Map::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| variables::is_ours(name)) else {
                continue;
            };
            if !name.starts_with(&prefix) {
                if variables::is_from_elsewhere(name, &value) {
                    continue;
                }
                return Err(variables::misspelt(name, defaults.keys()));
            }
            let value = value.into_string().map_err(|_not_shown| {
                Failure::usage(format!("the environment variable {name} is not UTF-8"))
            })?;
            texts.insert(name.to_owned(), value);
        }
        let environment = Environment::with_prefix(PREFIX)
            .separator(SEPARATOR)
            .source(Some(texts));
        Ok(Self::flat(
            environment.collect().map_err(|error| unreadable(&error))?,
            |key| format!("the environment variable {}", variables::name_of(key)),
        ))
    }

    pub(super) fn command_line(overrides: &[Override]) -> Self {
        let values = overrides.iter().map(|given| {
            let origin = given.option.to_owned();
            let value = Value::new(Some(&origin), given.value.clone());
            (given.key.to_owned(), value)
        });
        Self(values.collect())
    }

    fn of_text(text: &str, name: &str) -> Result<Self, Failure> {
        let file = File::from_str(text, FileFormat::Toml);
        let table = file
            .collect()
            .map_err(|error| Failure::usage(format!("{name}: {}", without_excerpt(&error))))?;
        Ok(Self::flat(table, |_| name.to_owned()))
    }

    fn flat(table: Map<String, Value>, origin: impl Fn(&str) -> String) -> Self {
        let mut flat = BTreeMap::new();
        let mut left: Vec<_> = table.into_iter().collect();
        while let Some((key, value)) = left.pop() {
            if let ValueKind::Table(inner) = value.kind {
                left.extend(
                    inner
                        .into_iter()
                        .map(|(name, value)| (format!("{key}.{name}"), value)),
                );
            } else {
                let value = Value::new(Some(&origin(&key)), value.kind);
                flat.insert(key, value);
            }
        }
        Self(flat)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Refuses a key that has no default.
    pub(super) fn check_keys(&self, defaults: &Self) -> Result<(), Failure> {
        let Some((key, value)) = self.0.iter().find(|(key, _)| defaults.get(key).is_none()) else {
            return Ok(());
        };
        let origin = value.origin().unwrap_or_default();
        if let Some((_, by)) = REPLACED.iter().find(|(replaced, _)| replaced == key) {
            let problem = format!("{key} is replaced by {by} (from {origin})");
            return Err(Failure::usage(problem));
        }
        Err(Failure::usage(if defaults.names_in(key).next().is_some() {
            format!("{key} is a section and takes no value (from {origin})")
        } else {
            let mut unknown = format!("unknown key {key} (from {origin})");
            if let Some((section, known)) = defaults.section_around(key) {
                unknown.push_str(&format!("; [{section}] has {known}"));
            }
            unknown
        }))
    }

    /// What stands in a section, by what follows the section's name.
    fn names_in<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a str> {
        self.keys()
            .filter_map(move |key| key.strip_prefix(section)?.strip_prefix('.'))
    }

    /// The innermost section that there is around a key, and the names of the keys in it.
    fn section_around<'a>(&'a self, key: &'a str) -> Option<(&'a str, String)> {
        let (section, _) = key.rsplit_once('.')?;
        let names = self.names_in(section).filter(|name| !name.contains('.'));
        let names: Vec<_> = names.collect();
        if names.is_empty() {
            return self.section_around(section);
        }
        Some((section, names.join(", ")))
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone().into_iter().collect())
    }
}

fn unreadable(error: &ConfigError) -> Failure {
    Failure::usage(error.to_string())
}

/// What is wrong with a file, without the lines of it that the parser quotes: they may hold a secret.
fn without_excerpt(error: &ConfigError) -> String {
    let text = error.to_string();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.contains('|') && !line.trim().is_empty())
        .collect();
    lines.join(": ")
}
