//! The names of environment variables.

use std::ffi::OsStr;

use crate::failure::Failure;

pub(super) const PREFIX: &str = "CONVOSYNC";
/// Stands between the prefix, the section and the name.
pub(super) const SEPARATOR: &str = "__";
/// Set for the build of the program, and by `cargo run` still when it runs.
const OF_BUILD: [&str; 2] = ["CONVOSYNC_COMMIT", "CONVOSYNC_SCHEMA"];

/// The variable that sets a key: `CONVOSYNC__SERVER__PORT` for `server.port`.
pub(super) fn name_of(key: &str) -> String {
    let name = key.to_uppercase().replace('.', SEPARATOR);
    format!("{PREFIX}{SEPARATOR}{name}")
}

/// Whether a variable has the name of this program, in any case and with one underscore or two.
pub(super) fn is_ours(name: &str) -> bool {
    let begin = name.get(..=PREFIX.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case("CONVOSYNC_"))
}

/// Whether others than users set a variable of this name. Kubernetes does for every service whose name
/// begins with this program's (<https://kubernetes.io/docs/concepts/services-networking/service/>):
/// `CONVOSYNC_SERVICE_HOST`, `CONVOSYNC_PORT=tcp://10.0.0.1:7800`, `CONVOSYNC_PORT_7800_TCP_ADDR`.
pub(super) fn is_from_elsewhere(name: &str, value: &OsStr) -> bool {
    let has_port_number = |(_, port): (&str, &str)| port.starts_with(|c: char| c.is_ascii_digit());
    let is_url = value.to_str().is_some_and(|value| value.contains("://"));
    OF_BUILD.contains(&name)
        || name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.split_once("_PORT_").is_some_and(has_port_number)
        || (name.ends_with("_PORT") && is_url)
}

/// The failure to tell of a variable that sets nothing, with the right spelling if one of these keys is
/// meant.
pub(super) fn misspelt<'a>(name: &str, mut keys: impl Iterator<Item = &'a str>) -> Failure {
    let letters = |name: &str| name.replace(['_', '.'], "").to_uppercase();
    let meant = keys.find(|key| letters(name) == letters(&name_of(key)));
    let advice = match meant {
        Some(key) => format!("it is {}", name_of(key)),
        None => format!("settings are named like {}", name_of("server.port")),
    };
    Failure::usage(format!("unknown environment variable {name}: {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_name_of_this_program() {
        for name in [
            "CONVOSYNC_",
            "CONVOSYNC__SERVER__PORT",
            "convosync_server_port",
        ] {
            assert!(is_ours(name), "{name}");
        }
        for name in [
            "",
            "CONVOSYNC",
            "CONVOSYNCED_X",
            "MY_CONVOSYNC_X",
            "CONVOSYNÇ_X",
        ] {
            assert!(!is_ours(name), "{name}");
        }
    }

    #[test]
    fn what_others_set() {
        let url = OsStr::new("tcp://10.0.0.1:7800");
        for (name, value) in [
            ("CONVOSYNC_SERVICE_HOST", OsStr::new("10.0.0.1")),
            ("CONVOSYNC_SERVICE_PORT", OsStr::new("7800")),
            ("CONVOSYNC_SERVICE_PORT_HTTP", OsStr::new("7800")),
            ("CONVOSYNC_PORT", url),
            ("CONVOSYNC_PORT_7800_TCP", url),
            ("CONVOSYNC_PORT_7800_TCP_PROTO", OsStr::new("tcp")),
            ("CONVOSYNC_SERVER_PORT", url),
            ("CONVOSYNC_COMMIT", OsStr::new("abc")),
            ("CONVOSYNC_SCHEMA", OsStr::new("20261128000002")),
        ] {
            assert!(is_from_elsewhere(name, value), "{name}");
        }
        for name in [
            "CONVOSYNC_PORT",
            "CONVOSYNC_SERVER_PORT",
            "CONVOSYNC_PORT_X",
        ] {
            assert!(!is_from_elsewhere(name, OsStr::new("7800")), "{name}");
        }
    }

    /// `cargo run` sets them for the program, too.
    #[test]
    fn what_the_build_sets_is_no_setting() {
        let script = include_str!("../../build.rs");
        let set = script.split("rustc-env=").skip(1);
        let names: Vec<_> = set.filter_map(|set| set.split('=').next()).collect();
        assert_eq!(names, OF_BUILD);
    }

    #[test]
    fn the_right_spelling_is_told() {
        let told =
            |name| misspelt(name, ["database.pool_size", "server.port"].into_iter()).to_string();
        for name in [
            "CONVOSYNC_SERVER_PORT",
            "CONVOSYNC_SERVER__PORT",
            "convosync__server__port",
        ] {
            assert_eq!(
                told(name),
                format!("unknown environment variable {name}: it is CONVOSYNC__SERVER__PORT")
            );
        }
        assert!(
            told("CONVOSYNC_DATABASE_POOL_SIZE").ends_with("it is CONVOSYNC__DATABASE__POOL_SIZE")
        );
        assert_eq!(
            told("CONVOSYNC_CONFIG"),
            "unknown environment variable CONVOSYNC_CONFIG: settings are named like CONVOSYNC__SERVER__PORT"
        );
    }
}
