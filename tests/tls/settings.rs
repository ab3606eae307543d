//! Settings of TLS that cannot be followed.

use std::fs;

use tempfile::tempdir;

use super::authority::Authority;
use crate::support::{Finished, convosync};

const CERTIFICATE: &str = "CONVOSYNC__SERVER__TLS__CERTIFICATE";
const KEY: &str = "CONVOSYNC__SERVER__TLS__KEY";

#[test]
fn files_that_cannot_be_used_are_refused_and_nothing_is_made() {
    let files = tempdir().unwrap();
    let other = tempdir().unwrap();
    let authority = Authority::new();
    authority.issue_to(files.path());
    authority.issue_to(other.path());
    let chain = files.path().join("chain.pem").display().to_string();
    let key = files.path().join("key.pem").display().to_string();
    let foreign = other.path().join("key.pem").display().to_string();
    let of_certificate = format!("(from the environment variable {CERTIFICATE})");
    let of_key = format!("(from the environment variable {KEY})");
    let not_there = "server.tls.certificate: cannot read no.pem: No such file or directory (os error 2); \
                     it has to be there, for the user that serves to read ";
    let folder = tempdir().unwrap();
    for (certificate, key, begin, end) in [
        (
            chain.as_str(),
            "",
            "server.tls.key: must be set where server.tls.certificate is",
            &of_key,
        ),
        (
            "",
            &key,
            "server.tls.certificate: must be set where server.tls.key is",
            &of_certificate,
        ),
        ("no.pem", &key, not_there, &of_certificate),
        (&key, &key, "server.tls.certificate: ", &of_certificate),
        (&chain, &chain, "server.tls.key: ", &of_key),
        (
            &chain,
            &foreign,
            "server.tls.key: the private key in ",
            &of_key,
        ),
    ] {
        let mut command = convosync(folder.path());
        let finished = Finished::of(command.env(CERTIFICATE, certificate).env(KEY, key));
        let complaint = finished.complaint(2);
        assert!(complaint.starts_with(begin), "{complaint}");
        assert!(complaint.ends_with(end), "{complaint}");
        assert!(!complaint.contains("BEGIN PRIVATE"), "{complaint}");
        let named = [certificate, key]
            .into_iter()
            .filter(|path| !path.is_empty());
        let is_contradiction = complaint.contains("must be set");
        assert!(is_contradiction || named.clone().any(|path| complaint.contains(path)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn the_settings_of_tls_are_printed_and_read_again() {
    let folder = tempdir().unwrap();
    let mut command = convosync(folder.path());
    command.env(CERTIFICATE, "a.pem").env(KEY, "b.pem");
    let printed = Finished::of(command.args(["config", "print"]));
    let line = format!("tls.certificate = \"a.pem\" # from the environment variable {CERTIFICATE}");
    assert!(
        printed.stdout.lines().any(|printed| printed == line),
        "{printed:?}"
    );
    fs::write(folder.path().join("c.toml"), &printed.stdout).unwrap();
    let mut again = convosync(folder.path());
    let again = Finished::of(again.args(["config", "print", "--config", "c.toml"]));
    assert!(
        again.stdout.contains("tls.key = \"b.pem\" # from c.toml"),
        "{again:?}"
    );
}
