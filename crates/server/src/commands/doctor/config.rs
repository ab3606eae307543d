//! The settings: what they mean together, and who can read them.

use std::net::SocketAddr;

use crate::access::AccessMode;
use crate::finding::Finding;
use crate::listen;
use crate::private_file;
use crate::settings::Configuration;

pub(super) fn findings(configuration: &Configuration, is_file: bool) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("settings", configuration.sources())];
    findings.extend(secrets(configuration, is_file));
    match listen::addresses(configuration) {
        Ok(addresses) => findings.extend(access(configuration, &addresses)),
        Err(failure) => findings.push(Finding::failed(
            "access",
            failure.to_string(),
            "set server.host to an address of this machine, 127.0.0.1 behind a proxy, 0.0.0.0 for all of them",
        )),
    }
    findings.extend(user());
    findings
}

/// What the mode of access means at these addresses.
fn access(configuration: &Configuration, addresses: &[SocketAddr]) -> Vec<Finding> {
    let settings = &configuration.settings;
    let auth = &settings.auth;
    let server = &settings.server;
    let reached = addresses
        .iter()
        .find(|address| !listen::is_loopback(address.ip()));
    let mode = AccessMode::of(auth.mode, reached.is_some(), auth.allow_open_on_network);
    let mut findings = Vec::new();
    findings.push(match mode {
        None => Finding::failed(
            "access",
            "open mode off loopback: the server refuses to start",
            "set auth.mode = \"protected\", or server.host = \"127.0.0.1\"",
        ),
        Some(AccessMode::Open { is_exposed: true }) => Finding::warning(
            "access",
            "open to the network: whoever reaches the server can read and change every visitor",
            "set auth.allow_open_on_network = false and auth.mode = \"protected\" (docs/access.md)",
        ),
        Some(AccessMode::Open { is_exposed: false }) => Finding::ok(
            "access",
            "open, to programs on this machine only; what comes through a proxy is refused",
        ),
        Some(AccessMode::Protected) => {
            Finding::ok("access", "protected: visitors prove who they are")
        }
    });
    let is_protected = mode == Some(AccessMode::Protected);
    let is_encrypted = server.tls.scheme() == "https";
    if let Some(address) = reached
        && !is_encrypted
        && is_protected
    {
        findings.push(Finding::warning(
            "plain HTTP",
            format!("{address} is reached without TLS: whoever is on the way can read and use proofs"),
            "set server.tls.certificate and server.tls.key, or listen on 127.0.0.1 behind a proxy with TLS",
        ));
    }
    findings.extend(proxies(configuration, is_protected, reached.is_some()));
    findings
}

fn proxies(configuration: &Configuration, is_protected: bool, is_reached: bool) -> Option<Finding> {
    let server = &configuration.settings.server;
    match (server.trusted_proxies.is_empty(), is_protected, is_reached) {
        (true, true, false) => Some(Finding::note(
            "proxies",
            "protected on loopback, and no proxy is trusted",
            "behind a proxy set server.trusted_proxies = [\"127.0.0.1\", \"::1\"]: else limits count all \
            clients as one",
        )),
        (false, false, _) => Some(Finding::warning(
            "proxies",
            "server.trusted_proxies is set, but open mode refuses what comes through a proxy",
            "set auth.mode = \"protected\"",
        )),
        (false, true, true) if server.tls.scheme() == "http" => Some(Finding::note(
            "proxies",
            "proxies are trusted, and the server is reached past them, too",
            "let only the proxies reach its port, by a firewall or by server.host",
        )),
        _ => None,
    }
}

/// Whether others can read what the settings hold.
fn secrets(configuration: &Configuration, is_file: bool) -> Vec<Finding> {
    let has_secret = |key: &str| match key {
        "auth.jwt.secret" => configuration.settings.auth.jwt.secret.reveal().is_some(),
        "database.url" => !is_file && has_password(configuration.settings.database.url.rest()),
        _ => false,
    };
    let held: Vec<_> = configuration
        .values()
        .filter(|(key, _)| has_secret(key))
        .filter_map(|(key, value)| Some((key, value.origin()?)))
        .collect();
    let mut findings: Vec<_> = held
        .iter()
        .filter(|(_, origin)| origin.starts_with("--"))
        .map(|(key, origin)| {
            Finding::warning(
                "secrets",
                format!("{key} is on the command line, which every user of this machine can read"),
                format!(
                    "set it in the environment or in the file of --config, instead of {origin}"
                ),
            )
        })
        .collect();
    if !held.is_empty()
        && let Some(file) = configuration.file()
    {
        findings.extend(private_file::finding("settings file", file));
    }
    findings
}

/// Whether what stands after `postgres://` holds a password.
fn has_password(rest: &str) -> bool {
    let credentials = rest.rsplit_once('@').map(|(credentials, _)| credentials);
    credentials.is_some_and(|credentials| credentials.contains(':')) || rest.contains("password=")
}

fn user() -> Option<Finding> {
    rustix::process::geteuid().is_root().then(|| {
        Finding::warning(
            "user",
            "this runs as root; a server that does can do everything on this machine",
            "serve as a user of its own, and run the doctor as that user: it sees what the server sees",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::finding::Status;
    use crate::settings::Override;

    fn configuration(set: &[(&'static str, &str)]) -> Configuration {
        let set: Vec<_> = set
            .iter()
            .map(|(key, value)| Override {
                key,
                option: "--option",
                value: (*value).into(),
            })
            .collect();
        Configuration::load(None, [], &set).unwrap()
    }

    /// What is not as it has to be, but for the user of the tests.
    fn complaints(set: &[(&'static str, &str)]) -> Vec<(&'static str, Status)> {
        let findings = findings(&configuration(set), false);
        for finding in &findings {
            assert_eq!(finding.advice.is_none(), finding.status == Status::Ok);
        }
        findings
            .iter()
            .filter(|finding| finding.status != Status::Ok && finding.check != "user")
            .map(|finding| (finding.check, finding.status))
            .collect()
    }

    #[test]
    fn what_settings_mean_together() {
        assert_eq!(complaints(&[]), []);
        let everywhere = ("server.host", "0.0.0.0");
        assert_eq!(complaints(&[everywhere]), [("plain HTTP", Status::Warning)]);
        assert_eq!(
            complaints(&[everywhere, ("auth.mode", "open")]),
            [("access", Status::Failed)]
        );
        assert_eq!(
            complaints(&[everywhere, ("auth.allow_open_on_network", "true")]),
            [("access", Status::Warning)]
        );
        let protected = ("auth.mode", "protected");
        assert_eq!(complaints(&[protected]), [("proxies", Status::Note)]);
        let proxies = ("server.trusted_proxies", "127.0.0.1");
        assert_eq!(complaints(&[protected, proxies]), []);
        assert_eq!(complaints(&[proxies]), [("proxies", Status::Warning)]);
        assert_eq!(
            complaints(&[everywhere, proxies]),
            [("plain HTTP", Status::Warning), ("proxies", Status::Note)]
        );
        assert_eq!(
            complaints(&[("server.host", "no such host")]),
            [("access", Status::Failed)]
        );
    }

    #[test]
    fn secrets_that_others_can_read() {
        let secret = ("auth.jwt.secret", "a secret of more than 32 bytes, you see");
        assert_eq!(complaints(&[secret]), [("secrets", Status::Warning)]);
        for (url, has_password) in [
            ("postgres://ada:secret@db/chats", true),
            ("postgres://db/chats?user=ada&password=secret", true),
            ("postgres://ada@db:5432/chats", false),
        ] {
            let warned = !complaints(&[("database.url", url)]).is_empty();
            assert_eq!(warned, has_password, "{url}");
        }

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("convosync.toml");
        fs::write(&file, format!("[auth.jwt]\nsecret = {:?}", secret.1)).unwrap();
        for (mode, expected) in [(0o644, Status::Warning), (0o640, Status::Ok)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let configuration = Configuration::load(Some(&file), [], &[]).unwrap();
            let findings = findings(&configuration, true);
            let found = findings.iter().find(|it| it.check == "settings file");
            assert_eq!(found.unwrap().status, expected, "{mode:o}");
        }
    }
}
