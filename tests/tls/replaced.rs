//! Certificates that are replaced while the server runs.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustls_pki_types::CertificateDer;

use super::TlsServer;
use crate::support::Server;

/// Waits until new connections are shown this certificate; how long that took.
fn until_shown(tls: &TlsServer, certificate: &CertificateDer<'_>) -> Duration {
    let started = Instant::now();
    while tls.connect().certificate() != *certificate {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "the old one is shown"
        );
        thread::sleep(Duration::from_millis(50));
    }
    started.elapsed()
}

#[test]
fn a_hangup_has_the_certificate_read_again() {
    let tls = TlsServer::start();
    let mut before = tls.connect();
    let old = before.certificate();
    assert_eq!(before.get("/livez"), 200);
    let new = tls.authority.issue_to(tls.folder.path());
    assert_eq!(tls.connect().certificate(), old);
    tls.server.signal("HUP");
    assert!(until_shown(&tls, &new) < Duration::from_secs(5));
    // A connection that was there goes on.
    assert_eq!(before.get("/livez"), 200);
    assert_eq!(tls.connect().get("/livez"), 200);
    assert_eq!(tls.complaints(), [""; 0]);
}

#[test]
fn a_certificate_that_has_changed_is_read_again() {
    let tls = TlsServer::start();
    for _ in 0..2 {
        let new = tls.authority.issue_to(tls.folder.path());
        until_shown(&tls, &new);
    }
    assert_eq!(tls.connect().get("/livez"), 200);
}

#[test]
fn a_broken_certificate_leaves_the_old_one_and_is_told_once() {
    let tls = TlsServer::start();
    let old = tls.connect().certificate();
    fs::write(tls.folder.path().join("chain.pem"), "m4rker").unwrap();
    tls.server.signal("HUP");
    let started = Instant::now();
    while tls.complaints().is_empty() {
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "nothing is told"
        );
        thread::sleep(Duration::from_millis(20));
    }
    // The file is looked at again, and is as it was.
    thread::sleep(Duration::from_secs(11));
    assert_eq!(tls.connect().certificate(), old);
    assert_eq!(tls.connect().get("/livez"), 200);
    let told = tls.complaints();
    let [warning] = told.as_slice() else {
        panic!("{told:#?}");
    };
    let chain = tls.folder.path().join("chain.pem").display().to_string();
    let key = tls.folder.path().join("key.pem").display().to_string();
    for expected in [
        "\"WARN\"",
        &chain,
        &key,
        "holds no certificates in PEM form",
    ] {
        assert!(warning.contains(expected), "{warning}");
    }
    assert!(!warning.contains("m4rker"), "{warning}");

    let new = tls.authority.issue_to(tls.folder.path());
    until_shown(&tls, &new);
    assert_eq!(tls.complaints().len(), 1);
}

#[test]
fn a_hangup_does_nothing_to_a_server_without_tls() {
    let mut server = Server::start();
    for _ in 0..3 {
        server.signal("HUP");
        thread::sleep(Duration::from_millis(50));
        assert_eq!(server.get("/livez").status, 200);
    }
    assert_eq!(server.stop().code(), Some(0));
}
