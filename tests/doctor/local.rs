//! On the machine of the server.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use rcgen::{CertificateParams, KeyPair, generate_simple_self_signed};
use tempfile::tempdir;

use super::Findings;
use crate::support::{Finished, Server, convosync, run};

/// Names, lengths and times of everything in a folder.
fn listing(folder: &Path) -> BTreeMap<String, (u64, i64, u32)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let metadata = entry.metadata().unwrap();
        let name = entry.path().display().to_string();
        if metadata.is_dir() {
            found.extend(listing(&entry.path()));
        }
        found.insert(
            name,
            (metadata.len(), metadata.mtime_nsec(), metadata.mode()),
        );
    }
    found
}

/// A store that was served once.
fn served() -> Server {
    let mut server = Server::start_on(None, &[]);
    assert!(server.stop().success());
    server
}

#[test]
fn a_new_machine_is_sound_and_stays_empty() {
    let folder = tempdir().unwrap();
    let port = [("CONVOSYNC__SERVER__PORT", "0")];
    let findings = Findings::of(folder.path(), &port, &[]);
    findings.assert_sound();
    findings.assert_told("store file", "ok", "is not there yet");
    assert_eq!(listing(folder.path()), BTreeMap::new());

    let mut command = convosync(folder.path());
    let text = Finished::of(command.args(["doctor", "--port", "0"]));
    assert_eq!(text.code, Some(0), "{text:?}");
    assert!(
        text.stdout
            .starts_with("ok       settings            defaults"),
        "{text:?}"
    );
    assert!(text.stdout.trim_end().ends_with("0 FAILED"), "{text:?}");
}

#[test]
fn a_server_that_runs_is_sound_and_not_disturbed() {
    let server = Server::start_on(None, &[]);
    let port = server.address().rsplit_once(':').unwrap().1;
    let before = listing(server.folder());
    let arguments = ["--port", port, "--thorough"];
    let findings = Findings::of(server.folder(), &[], &arguments);
    findings.assert_sound();
    findings.assert_told("port", "ok: a convosync", "serves at");
    findings.assert_told("in use", "ok: process", "has the store open");
    findings.assert_told("integrity", "ok", "no damage");
    findings.assert_told("schema", "ok", "that of this program");
    let names = |listing: BTreeMap<String, _>| -> Vec<String> { listing.into_keys().collect() };
    assert_eq!(names(listing(server.folder())), names(before));
}

#[test]
fn a_store_is_left_as_it_is_whatever_is_wrong_with_it() {
    let server = served();
    let store = server.folder().join("data/convosync.db");
    let look = |arguments: &[&str]| {
        let before = listing(server.folder());
        let findings = Findings::of(
            server.folder(),
            &[],
            &[&["--port", "0"], arguments].concat(),
        );
        assert_eq!(listing(server.folder()), before);
        findings
    };
    assert_eq!(look(&["--thorough"]).failed(), Vec::<&str>::new());
    look(&[]).assert_told("in use", "ok", "nobody");

    fs::set_permissions(&store, fs::Permissions::from_mode(0o644)).unwrap();
    look(&[]).assert_told("store file", "warning", "chmod o-rwx");
    fs::set_permissions(&store, fs::Permissions::from_mode(0o600)).unwrap();

    let other = server.folder().join("other.db");
    fs::hard_link(&store, &other).unwrap();
    look(&[]).assert_told("links", "failed", "-inum");
    fs::remove_file(&other).unwrap();

    let mut damaged = fs::read(&store).unwrap();
    // The pages after the first; the schema is read still.
    let length = damaged.len();
    damaged[length / 2..].fill(0xa5);
    fs::write(&store, &damaged).unwrap();
    look(&["--thorough"]).assert_told("integrity", "failed", "restore a backup");

    fs::write(
        &store,
        "no database at all, of more than a hundred bytes".repeat(4),
    )
    .unwrap();
    look(&[]).assert_told("schema", "failed", "restore a backup");
}

#[test]
fn a_newer_schema_is_told() {
    let server = served();
    let store = server.folder().join("data/convosync.db");
    let mut connection = diesel::SqliteConnection::establish(store.to_str().unwrap()).unwrap();
    connection
        .batch_execute("INSERT INTO __diesel_schema_migrations VALUES ('99999999000000', '')")
        .unwrap();
    drop(connection);
    let findings = Findings::of(server.folder(), &[], &["--port", "0"]);
    findings.assert_told(
        "schema",
        "failed",
        "start the version of Convosync that wrote the store",
    );
}

#[test]
fn a_settings_file_that_cannot_be_followed_is_a_usage_error() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("convosync.toml");
    fs::write(&file, "[server]\nprot = 1").unwrap();
    let refused = run(
        folder.path(),
        &["doctor", "--config", file.to_str().unwrap()],
    );
    assert!(refused.complaint(2).contains("server.prot"), "{refused:?}");
    let refused = run(folder.path(), &["doctor", "--url", "sync.example"]);
    assert!(refused.complaint(2).contains("--url"), "{refused:?}");
}

/// The settings of TLS with what these files hold.
fn with_tls(folder: &Path, chain: &str, key: &str) -> Findings {
    let files = ["chain.pem", "key.pem"].map(|name| folder.join(name));
    fs::write(&files[0], chain).unwrap();
    fs::write(&files[1], key).unwrap();
    fs::set_permissions(&files[1], fs::Permissions::from_mode(0o600)).unwrap();
    let [chain, key] = files.map(|file| file.display().to_string());
    let settings = [
        ("CONVOSYNC__SERVER__TLS__CERTIFICATE", chain.as_str()),
        ("CONVOSYNC__SERVER__TLS__KEY", key.as_str()),
        ("CONVOSYNC__SERVER__HOSTS", "chats.example"),
    ];
    Findings::of(folder, &settings, &["--port", "0"])
}

#[test]
fn certificates_are_looked_at() {
    let folder = tempdir().unwrap();
    let sound = generate_simple_self_signed(["chats.example".to_owned()]).unwrap();
    let (chain, key) = (sound.cert.pem(), sound.signing_key.serialize_pem());
    let findings = with_tls(folder.path(), &chain, &key);
    findings.assert_told("certificate", "ok", "days more");
    findings.assert_told("certificate names", "ok", "chats.example");
    findings.assert_told("certificate chain", "note", "authority that clients know");
    findings.assert_told("private key", "ok", "private");

    let other = generate_simple_self_signed(["other.example".to_owned()]).unwrap();
    let findings = with_tls(folder.path(), &chain, &other.signing_key.serialize_pem());
    findings.assert_told(
        "certificate",
        "failed",
        "is not that of the first certificate",
    );
    let findings = with_tls(folder.path(), &chain[..chain.len() / 2], &key);
    findings.assert_told("certificate", "failed", "fullchain.pem");
    let (others, key_of_other) = (other.cert.pem(), other.signing_key.serialize_pem());
    let findings = with_tls(folder.path(), &others, &key_of_other);
    findings.assert_told("certificate names", "failed", "every name in server.hosts");
    let findings = with_tls(folder.path(), &(chain + &folder_authority()), &key);
    findings.assert_told("certificate chain", "failed", "fullchain.pem");

    let key = KeyPair::generate().unwrap();
    let mut ended = CertificateParams::new(vec!["chats.example".to_owned()]).unwrap();
    ended.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let ended = ended.self_signed(&key).unwrap();
    let findings = with_tls(folder.path(), &ended.pem(), &key.serialize_pem());
    findings.assert_told("certificate", "failed", "renew it");

    let mode = fs::Permissions::from_mode(0o644);
    fs::set_permissions(folder.path().join("key.pem"), mode).unwrap();
    let files = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
    let [chain, key] = files.map(|file| file.display().to_string());
    let settings = [
        ("CONVOSYNC__SERVER__TLS__CERTIFICATE", chain.as_str()),
        ("CONVOSYNC__SERVER__TLS__KEY", key.as_str()),
    ];
    let findings = Findings::of(folder.path(), &settings, &["--port", "0"]);
    findings.assert_told("private key", "warning", "chmod o-rwx");
}

/// The certificate of an authority that has issued nothing.
fn folder_authority() -> String {
    let key = KeyPair::generate().unwrap();
    let mut wanted = CertificateParams::new(Vec::new()).unwrap();
    wanted
        .distinguished_name
        .push(rcgen::DnType::CommonName, "some authority");
    wanted.self_signed(&key).unwrap().pem()
}

#[test]
fn keys_of_tokens_are_looked_at() {
    let folder = tempdir().unwrap();
    let look = |settings: &[(&str, &str)]| Findings::of(folder.path(), settings, &["--port", "0"]);
    let file = folder.path().join("jwks.json");
    let name = file.display().to_string();
    let jwks_file = ("CONVOSYNC__AUTH__JWT__JWKS_FILE", name.as_str());
    look(&[jwks_file]).assert_told("token keys", "failed", "auth.jwt.jwks_file");
    fs::write(&file, "{}").unwrap();
    look(&[jwks_file]).assert_told("token keys", "failed", "JSON Web Key Set");
    // RFC 8037, A.2.
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    fs::write(
        &file,
        format!(r#"{{"keys":[{key},{{"kty":"oct","k":"c2VjcmV0"}}]}}"#),
    )
    .unwrap();
    let findings = look(&[jwks_file]);
    findings.assert_told("token keys", "note: key 2 is not taken", "ok: 1 (EdDSA)");
    findings.assert_told("token claims", "warning", "set auth.jwt.audience");
    let nobody = (
        "CONVOSYNC__AUTH__JWT__JWKS_URL",
        "http://127.0.0.1:1/jwks?code=m4rker",
    );
    let findings = look(&[nobody]);
    findings.assert_told("token keys", "failed", "curl -v");
    assert!(!findings.finished.stdout.contains("m4rker"));
    look(&[nobody, jwks_file]).assert_told("token keys", "failed", "one kind of key");
    let secret = folder.path().join("secret");
    fs::write(&secret, "short").unwrap();
    let name = secret.display().to_string();
    let secret_file = ("CONVOSYNC__AUTH__JWT__SECRET_FILE", name.as_str());
    look(&[secret_file]).assert_told("token keys", "failed", "openssl rand");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&secret, "m4rker ".repeat(5)).unwrap();
    let findings = look(&[secret_file]);
    findings.assert_told("token keys", "ok", "HS256");
    findings.assert_told("token secret", "warning", "chmod o-rwx");
    assert!(!findings.finished.stdout.contains("m4rker"));
}

#[test]
fn limits_of_the_system_are_told() {
    let folder = tempdir().unwrap();
    let binary = convosync(folder.path()).get_program().to_owned();
    let mut command = Command::new("sh");
    command.env_clear();
    let limited = "ulimit -n 4096 && ulimit -f 100000 && exec \"$0\" doctor --json --port 0";
    command
        .args(["-c", limited])
        .arg(binary)
        .current_dir(folder.path());
    let finished = Finished::of(&mut command);
    let all = serde_json::from_str(&finished.stdout).unwrap();
    let findings = Findings { all, finished };
    findings.assert_told("open files", "warning", "LimitNOFILE=");
    findings.assert_told("file size", "warning", "LimitFSIZE=infinity");
}

#[test]
fn a_port_that_another_program_has_is_told() {
    let folder = tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let findings = Findings::of(folder.path(), &[], &["--port", &port]);
    findings.assert_told("port", "failed", "ss -ltnp");
}
