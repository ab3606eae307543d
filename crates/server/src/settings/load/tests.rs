use std::fs;

use config::ValueKind;
use convosync_application::sync::{RegistrationMode, RegistrationPolicy};
use convosync_domain::usage::Quota;
use convosync_http_actix::{CorsOrigins, Limits, UnknownFields};

use super::*;
use crate::access::AccessMode;

const NOTHING: [(OsString, OsString); 0] = [];

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn port(value: &str) -> Override {
    Override {
        key: "server.port",
        option: "--port",
        value: ValueKind::String(value.to_owned()),
    }
}

/// Loads a file of this text.
pub(super) fn with_file(text: &str) -> (String, Result<Configuration, Failure>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("convosync.toml");
    fs::write(&path, text).unwrap();
    (
        path.display().to_string(),
        Configuration::load(Some(&path), NOTHING, &[]),
    )
}

pub(super) fn with_environment(variables: &[(&str, &str)]) -> Result<Configuration, Failure> {
    Configuration::load(None, environment(variables), &[])
}

pub(super) fn complaint(loaded: Result<Configuration, Failure>) -> String {
    let failure = loaded.unwrap_err();
    assert_eq!(failure.code(), 2);
    failure.to_string()
}

#[test]
fn nothing_has_to_be_set() {
    let configuration = Configuration::load(None, NOTHING, &[]).unwrap();
    let settings = &configuration.settings;
    assert_eq!(settings.server.host, "127.0.0.1");
    assert_eq!(settings.server.port, 7800);
    assert!(settings.server.workers() > 0);
    assert_eq!(settings.server.drain_seconds, 0);
    assert_eq!(settings.server.shutdown_timeout_seconds, 30);
    assert_eq!(settings.server.tls.files(), None);
    assert_eq!(settings.server.tls.scheme(), "http");
    assert_eq!(
        settings.database.url.to_string(),
        "sqlite://data/convosync.db"
    );
    assert!(settings.database.readers() > 0);
    assert_eq!(settings.database.busy_timeout_ms, 5_000);
    assert_eq!(settings.database.pool_size, 16);
    assert!(settings.database.shard_aware);
    assert_eq!(settings.database.wait_at_start_seconds, 30);
    assert_eq!(settings.limits.queue, 256);
    assert_eq!(settings.limits(), Limits::default());
    let open = AccessMode::Open { is_exposed: false };
    assert_eq!(settings.sync(open).max_clock_skew_seconds, 300);
    assert_eq!(settings.sync(open).quota, Quota::default());
    assert_eq!(settings.unknown_fields(), UnknownFields::Keep);
    assert_eq!(settings.cors(open), CorsOrigins::Loopback);
    assert_eq!(settings.server.trusted_proxies, []);
    assert_eq!(settings.rate_limits(open), None);
    assert!(!settings.auth.allow_open_on_network);
    assert_eq!(configuration.sources(), "defaults");
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any.name");
    fs::write(
        &path,
        "server = { host = 'localhost', port = 1, workers = 1 }",
    )
    .unwrap();
    let variables = environment(&[
        ("CONVOSYNC__SERVER__PORT", "2"),
        ("CONVOSYNC__SERVER__WORKERS", "2"),
        ("CONVOSYNC__AUTH__ALLOW_OPEN_ON_NETWORK", "true"),
        ("CONVOSYNC_PORT", "tcp://10.0.0.1:7800"),
        ("HOME", "/root"),
    ]);
    let configuration = Configuration::load(Some(&path), variables, &[port("3")]).unwrap();
    let server = &configuration.settings.server;
    assert_eq!(
        (server.host.as_str(), server.workers(), server.port),
        ("localhost", 2, 3)
    );
    assert!(configuration.settings.auth.allow_open_on_network);
    assert_eq!(
        configuration.sources(),
        format!("defaults < {} < environment < command line", path.display())
    );
    let origin = |wanted: &str| {
        let mut values = configuration.values();
        let (_, value) = values.find(|(key, _)| *key == wanted).unwrap();
        value.origin().unwrap().to_owned()
    };
    assert_eq!(origin("server.host"), path.display().to_string());
    assert_eq!(
        origin("server.workers"),
        "the environment variable CONVOSYNC__SERVER__WORKERS"
    );
    assert_eq!(origin("server.port"), "--port");
    assert_eq!(origin("log.level"), "the defaults");
}

#[test]
fn an_unknown_key_is_refused_by_its_full_name() {
    let (file, loaded) = with_file("[server]\nprot = 1");
    assert_eq!(
        complaint(loaded),
        format!(
            "unknown key server.prot (from {file}); \
             [server] has cors_origins, drain_seconds, host, hosts, port, shutdown_timeout_seconds, static_folder, \
             trusted_proxies, workers"
        )
    );
    let (file, loaded) = with_file("[servre]\nport = 1");
    assert_eq!(
        complaint(loaded),
        format!("unknown key servre.port (from {file})")
    );
    assert_eq!(
        complaint(with_environment(&[("CONVOSYNC__LOG__LEVLE", "info")])),
        "unknown key log.levle (from the environment variable CONVOSYNC__LOG__LEVLE); \
         [log] has format, level"
    );
    assert_eq!(
        complaint(with_environment(&[("CONVOSYNC__SERVER_PORT", "1")])),
        "unknown key server_port (from the environment variable CONVOSYNC__SERVER_PORT)"
    );
    let (file, loaded) = with_file("server = 7800");
    assert_eq!(
        complaint(loaded),
        format!("server is a section and takes no value (from {file})")
    );
}

#[test]
fn a_section_in_a_section_is_one_like_the_others() {
    let (file, loaded) = with_file("[server.tls]\nx = 1");
    let told = format!("unknown key server.tls.x (from {file}); [server.tls] has certificate, key");
    assert_eq!(complaint(loaded), told);
    let (file, loaded) = with_file("server.tls.key.x.y = 1");
    let told =
        format!("unknown key server.tls.key.x.y (from {file}); [server.tls] has certificate, key");
    assert_eq!(complaint(loaded), told);
    let (file, loaded) = with_file("[server]\ntls = true");
    assert_eq!(
        complaint(loaded),
        format!("server.tls is a section and takes no value (from {file})")
    );
    assert_eq!(
        complaint(with_environment(&[("CONVOSYNC__SERVER__TLS__CERT", "a")])),
        "unknown key server.tls.cert (from the environment variable CONVOSYNC__SERVER__TLS__CERT); \
         [server.tls] has certificate, key"
    );
    assert_eq!(
        complaint(with_environment(&[("CONVOSYNC_SERVER_TLS_KEY", "a")])),
        "unknown environment variable CONVOSYNC_SERVER_TLS_KEY: it is CONVOSYNC__SERVER__TLS__KEY"
    );
}

#[test]
fn tls_takes_a_certificate_and_a_key() {
    let certificate = ("CONVOSYNC__SERVER__TLS__CERTIFICATE", "007");
    let key = ("CONVOSYNC__SERVER__TLS__KEY", "k.pem");
    let loaded = with_environment(&[certificate, key]).unwrap();
    let tls = &loaded.settings.server.tls;
    assert_eq!(tls.files(), Some((Path::new("007"), Path::new("k.pem"))));
    assert_eq!(tls.scheme(), "https");
    assert_eq!(
        complaint(with_environment(&[certificate])),
        "server.tls.key: must be set where server.tls.certificate is (from the defaults)"
    );
    assert_eq!(
        complaint(with_environment(&[key])),
        "server.tls.certificate: must be set where server.tls.key is (from the defaults)"
    );
}

#[test]
fn a_key_that_was_replaced_is_refused_with_the_new_name() {
    let (file, loaded) = with_file("[limits]\ntitle_characters = 1024");
    assert_eq!(
        complaint(loaded),
        format!("limits.title_characters is replaced by limits.value_bytes (from {file})")
    );
    for old in ["TEXT_BYTES", "JSON_BYTES"] {
        let variable = format!("CONVOSYNC__LIMITS__{old}");
        let told = complaint(with_environment(&[(variable.as_str(), "1")]));
        assert_eq!(
            told,
            format!(
                "limits.{} is replaced by limits.value_bytes (from the environment variable {variable})",
                old.to_lowercase()
            )
        );
    }
}

#[test]
fn a_bad_value_names_its_key_and_where_it_is_from() {
    let (file, loaded) = with_file("[server]\nport = 70000");
    assert_eq!(
        complaint(loaded),
        format!("server.port: must be 0 to 65535, not 70000 (from {file})")
    );
    assert_eq!(
        complaint(with_environment(&[("CONVOSYNC__LIMITS__MESSAGES", "0")])),
        "limits.messages: must be 1 to 4294967295, not 0 \
         (from the environment variable CONVOSYNC__LIMITS__MESSAGES)"
    );
    assert_eq!(
        complaint(Configuration::load(None, NOTHING, &[port("many")])),
        "server.port: expected an integer, not string \"many\" (from --port)"
    );
    for (variable, value, problem) in [
        (
            "CONVOSYNC__AUTH__ALLOW_OPEN_ON_NETWORK",
            "maybe",
            "auth.allow_open_on_network: expected a boolean, not string \"maybe\"",
        ),
        (
            "CONVOSYNC__LOG__FORMAT",
            "xml",
            "log.format: must be one of \"auto\", \"text\", \"json\", not \"xml\"",
        ),
        (
            "CONVOSYNC__LOG__LEVEL",
            "inof",
            "log.level: \"inof\" must be one of off, error, warn, info, debug and trace",
        ),
    ] {
        assert_eq!(
            complaint(with_environment(&[(variable, value)])),
            format!("{problem} (from the environment variable {variable})")
        );
    }
}

#[test]
fn all_bodies_together_have_room_for_the_longest_one() {
    let limits = |body: &str, in_flight: &str| {
        with_environment(&[
            ("CONVOSYNC__LIMITS__BODY_BYTES", body),
            ("CONVOSYNC__LIMITS__BODIES_IN_FLIGHT_BYTES", in_flight),
        ])
    };
    assert!(limits("100", "100").is_ok());
    assert_eq!(
        complaint(limits("101", "100")),
        "limits.bodies_in_flight_bytes: must be at least limits.body_bytes, which is 101, not 100 \
         (from the environment variable CONVOSYNC__LIMITS__BODIES_IN_FLIGHT_BYTES)"
    );
    assert_eq!(
        complaint(with_environment(&[(
            "CONVOSYNC__LIMITS__BODY_BYTES",
            "268435457"
        )])),
        "limits.bodies_in_flight_bytes: must be at least limits.body_bytes, which is 268435457, \
         not 268435456 (from the defaults)"
    );
}

#[test]
fn all_reads_together_have_room_for_a_page() {
    assert_eq!(
        complaint(with_environment(&[(
            "CONVOSYNC__LIMITS__READS_IN_FLIGHT_BYTES",
            "4194303"
        )])),
        "limits.reads_in_flight_bytes: must be at least limits.page_bytes, which is 4194304, not 4194303 \
         (from the environment variable CONVOSYNC__LIMITS__READS_IN_FLIGHT_BYTES)"
    );
}

#[test]
fn unknown_fields_of_posts_are_refused_where_that_is_set() {
    let (_, loaded) = with_file("[sync]\nunknown_fields = \"reject\"");
    let settings = loaded.unwrap().settings;
    assert_eq!(settings.unknown_fields(), UnknownFields::Reject);
    assert_eq!(
        complaint(with_environment(&[(
            "CONVOSYNC__SYNC__UNKNOWN_FIELDS",
            "drop"
        )])),
        "sync.unknown_fields: must be one of \"keep\", \"reject\", not \"drop\" \
         (from the environment variable CONVOSYNC__SYNC__UNKNOWN_FIELDS)"
    );
}

#[test]
fn a_quota_of_zero_is_no_limit() {
    let (_, loaded) = with_file("[visitors]\nmax_bytes = 5000000000\nmax_conversations = 0");
    let quota = Quota {
        max_conversations: None,
        max_content_bytes: Some(5_000_000_000),
    };
    assert_eq!(
        loaded.unwrap().settings.sync(AccessMode::Protected).quota,
        quota
    );
    let (file, loaded) = with_file("[visitors]\nmax_conversations = -1");
    assert!(
        complaint(loaded).starts_with("visitors.max_conversations: "),
        "{file}"
    );
}

#[test]
fn a_text_stays_the_text_it_is() {
    let configuration = with_environment(&[("CONVOSYNC__DATABASE__URL", "sqlite://007")]).unwrap();
    assert_eq!(configuration.settings.database.url.rest(), "007");
}

#[test]
fn a_file_that_is_not_toml_is_told_without_quoting_it() {
    let (file, loaded) = with_file("[database]\nurl = \"postgres://ada:secret@db\n");
    let complaint = complaint(loaded);
    assert!(complaint.starts_with(&file), "{complaint}");
    assert!(complaint.contains("line 2"), "{complaint}");
    assert!(!complaint.contains("secret"), "{complaint}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let loaded = Configuration::load(Some(Path::new("/nowhere/c.toml")), NOTHING, &[]);
    assert_eq!(
        complaint(loaded),
        "cannot read the configuration file /nowhere/c.toml: \
         No such file or directory (os error 2)"
    );
}

#[test]
fn a_bad_url_of_a_store_is_not_shown() {
    let loaded = with_environment(&[("CONVOSYNC__DATABASE__URL", "ada:secret@db")]);
    assert_eq!(
        complaint(loaded),
        "database.url: must be like sqlite://PATH or postgres://HOST/DATABASE \
         (from the environment variable CONVOSYNC__DATABASE__URL)"
    );
}

#[test]
fn who_registers_depends_on_whether_proof_is_asked_for() {
    use RegistrationMode::{Explicit, OnFirstSync};
    let open = AccessMode::Open { is_exposed: false };
    for (set, takes_client_ids, access, registered, anonymous) in [
        ("auto", "false", open, Explicit, Explicit),
        (
            "auto",
            "false",
            AccessMode::Protected,
            OnFirstSync,
            Explicit,
        ),
        ("auto", "true", AccessMode::Protected, OnFirstSync, Explicit),
        ("explicit", "true", open, Explicit, Explicit),
        (
            "explicit",
            "true",
            AccessMode::Protected,
            Explicit,
            Explicit,
        ),
        ("on_first_sync", "false", open, OnFirstSync, OnFirstSync),
        (
            "on_first_sync",
            "false",
            AccessMode::Protected,
            OnFirstSync,
            Explicit,
        ),
        (
            "on_first_sync",
            "true",
            AccessMode::Protected,
            OnFirstSync,
            OnFirstSync,
        ),
    ] {
        let configuration = with_environment(&[
            ("CONVOSYNC__VISITORS__REGISTRATION", set),
            ("CONVOSYNC__AUTH__ANON__ACCEPT_CLIENT_IDS", takes_client_ids),
        ]);
        let policy = configuration.unwrap().settings.sync(access).registration;
        let expected = RegistrationPolicy {
            registered,
            anonymous,
        };
        assert_eq!(policy, expected, "{set} {takes_client_ids} {access:?}");
    }
}
