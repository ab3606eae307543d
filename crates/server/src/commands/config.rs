//! `convosync config`

use clap::{Args, Subcommand};
use config::ValueKind;

use crate::failure::Failure;
use crate::output::print;
use crate::settings::{Configuration, DEFAULTS};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a settings file that sets nothing anew and explains every key
    Default,
    /// Print the settings that hold, and where each is from
    Print,
}

impl Arguments {
    /// Whether the command must work even where the settings do not.
    pub(super) fn needs_no_settings(&self) -> bool {
        matches!(self.command, Command::Default)
    }
}

pub(super) fn print_defaults() -> Result<(), Failure> {
    print(DEFAULTS)
}

/// Prints a settings file with the settings that hold; secrets are hidden.
pub(super) fn print_effective(configuration: &Configuration) -> Result<(), Failure> {
    let mut text = String::new();
    let mut current = "";
    for (key, value) in configuration.values() {
        let (section, name) = key.split_once('.').unwrap_or(("", key));
        if section != current {
            text.push_str(&format!("\n[{section}]\n"));
            current = section;
        }
        let origin = value.origin().unwrap_or_default();
        let value = match key {
            "database.url" => format!("{:?}", configuration.settings.database.url),
            "auth.jwt.secret" | "metrics.token" => hidden(&value.kind),
            _ => written(&value.kind),
        };
        text.push_str(&format!("{name} = {value} # from {origin}\n"));
    }
    print(text.trim())
}

/// A value as TOML.
fn written(value: &ValueKind) -> String {
    match value {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| written(&item.kind)).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// That a secret is set, or is not.
fn hidden(value: &ValueKind) -> String {
    let is_set = !matches!(value, ValueKind::String(text) if text.is_empty());
    written(&ValueKind::from(if is_set { "***" } else { "" }))
}
