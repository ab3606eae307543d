//! Settings put together: defaults, then a file, the environment and the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Value};

use super::Settings;
use super::layers::{Layer, Override};
use crate::failure::Failure;

/// The settings, and where each of them is from.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// The settings that hold.
    pub(crate) settings: Settings,
    file: Option<PathBuf>,
    /// Later ones win. The first has every key.
    layers: [Layer; 4],
}

impl Configuration {
    /// Puts the settings together.
    ///
    /// # Errors
    /// A [`Failure`] of usage that names the key and where its value is from.
    pub(crate) fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        overrides: &[Override],
    ) -> Result<Self, Failure> {
        let defaults = Layer::defaults()?;
        let environment = Layer::environment(variables, &defaults)?;
        let layers = [
            defaults,
            file.map_or_else(|| Ok(Layer::command_line(&[])), Layer::file)?,
            environment,
            Layer::command_line(overrides),
        ];
        let [defaults, set @ ..] = &layers;
        for layer in set {
            layer.check_keys(defaults)?;
        }
        let settings: Settings = layers
            .iter()
            .fold(Config::builder(), |builder, layer| {
                builder.add_source(layer.clone())
            })
            .build()
            .and_then(Config::try_deserialize)
            .map_err(|error| refused(&error, &layers))?;
        if let Some((key, problem)) = settings.contradiction() {
            return Err(refuse(&layers, key, &problem));
        }
        Ok(Self {
            settings,
            file: file.map(Path::to_owned),
            layers,
        })
    }

    /// The failure to tell of a setting that cannot be followed, which names it and where it is
    /// from.
    pub(crate) fn refuse(&self, key: &str, problem: &str) -> Failure {
        refuse(&self.layers, key, problem)
    }

    /// The file of settings, if one was given.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The places whose settings count, the most important one last.
    pub(crate) fn sources(&self) -> String {
        let [_, _, environment, command_line] = &self.layers;
        let file = self.file.as_ref().map(|path| path.display().to_string());
        let variables = environment.keys().next().map(|_| "environment".to_owned());
        let options = command_line
            .keys()
            .next()
            .map(|_| "command line".to_owned());
        let set = [file, variables, options].into_iter().flatten();
        let all: Vec<_> = std::iter::once("defaults".to_owned()).chain(set).collect();
        all.join(" < ")
    }

    /// Every key with the value that holds and where it is from, in order of the keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &Value)> {
        let [defaults, ..] = &self.layers;
        defaults
            .keys()
            .filter_map(|key| Some((key, value(&self.layers, key)?)))
    }
}

fn value<'a>(layers: &'a [Layer], key: &str) -> Option<&'a Value> {
    layers.iter().rev().find_map(|layer| layer.get(key))
}

fn refuse(layers: &[Layer], key: &str, problem: &str) -> Failure {
    let origin = value(layers, key).and_then(Value::origin);
    let origin = origin.unwrap_or("nowhere");
    Failure::usage(format!("{key}: {problem} (from {origin})"))
}

fn refused(error: &ConfigError, layers: &[Layer]) -> Failure {
    match error {
        ConfigError::Type {
            unexpected,
            expected,
            key: Some(key),
            ..
        } => {
            let problem = format!("expected {expected}, not {unexpected}");
            refuse(layers, key, &problem)
        }
        ConfigError::At {
            error,
            key: Some(key),
            ..
        } => refuse(layers, key, &error.to_string()),
        other => Failure::usage(other.to_string()),
    }
}

#[cfg(test)]
mod network_tests;
#[cfg(test)]
mod tests;
