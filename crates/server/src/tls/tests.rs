use std::fs;
use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

use super::*;

/// A certificate and its key in files.
struct Certified {
    folder: TempDir,
    files: Files,
    pem: CertifiedKey<rcgen::KeyPair>,
}

fn certified() -> Certified {
    let folder = tempfile::tempdir().unwrap();
    let files = Files {
        certificate: folder.path().join("chain.pem"),
        key: folder.path().join("key.pem"),
    };
    let pem = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&files.certificate, pem.cert.pem()).unwrap();
    fs::write(&files.key, pem.signing_key.serialize_pem()).unwrap();
    Certified { folder, files, pem }
}

impl Certified {
    fn complaint(&self) -> (&'static str, String) {
        let error = pair::read(&self.files, &provider()).unwrap_err();
        let told = error.to_string();
        let folder = self.folder.path().display().to_string();
        (error.setting(), told.replace(&folder, "FOLDER"))
    }
}

#[test]
fn a_certificate_and_its_key_are_read_from_two_files_or_one() {
    let Certified { files, pem, .. } = &mut certified();
    let read = pair::read(files, &provider()).unwrap();
    assert_eq!(read.cert, [pem.cert.der().clone()]);

    let other = generate_simple_self_signed(["issuer".to_owned()]).unwrap();
    let both = [
        pem.signing_key.serialize_pem(),
        pem.cert.pem(),
        "whatever stands between\n".to_owned(),
        other.cert.pem(),
    ];
    fs::write(&files.key, both.concat()).unwrap();
    files.certificate.clone_from(&files.key);
    let read = pair::read(files, &provider()).unwrap();
    assert_eq!(
        read.cert,
        [pem.cert.der().clone(), other.cert.der().clone()]
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let mut certified = certified();
    fs::remove_file(&certified.files.key).unwrap();
    let (setting, told) = certified.complaint();
    assert_eq!(setting, "server.tls.key");
    assert_eq!(
        told,
        "cannot read FOLDER/key.pem: No such file or directory (os error 2); \
         it has to be there, for the user that serves to read"
    );
    certified.files.certificate = certified.folder.path().to_owned();
    let (setting, told) = certified.complaint();
    assert_eq!(setting, "server.tls.certificate");
    assert_eq!(
        told,
        "FOLDER is no file of at most 1048576 bytes; name a PEM file"
    );
    certified.files.certificate = Path::new("/dev/zero").to_owned();
    assert!(certified.complaint().1.starts_with("/dev/zero is no file"));
}

#[test]
fn a_file_without_a_certificate_is_named_and_not_shown() {
    let certified = certified();
    let whole = certified.pem.cert.pem();
    let key = certified.pem.signing_key.serialize_pem();
    let of_nothing = "-----BEGIN CERTIFICATE-----\nbTRya2Vy\n-----END CERTIFICATE-----\n";
    for text in [
        "",
        "m4rker",
        &whole[..whole.len() / 2],
        &whole.replacen('M', "!", 3),
        &key,
        of_nothing,
        &[&whole, of_nothing].concat(),
    ] {
        fs::write(&certified.files.certificate, text).unwrap();
        let (setting, told) = certified.complaint();
        assert_eq!(setting, "server.tls.certificate");
        assert!(
            told.starts_with("FOLDER/chain.pem holds no certificates in PEM form; it has to"),
            "{told}"
        );
        assert!(
            !told.contains("m4rker") && !told.contains("bTRya2Vy"),
            "{told}"
        );
    }
    fs::write(&certified.files.certificate, vec![b'\n'; (1 << 20) + 1]).unwrap();
    assert!(certified.complaint().1.contains("at most 1048576 bytes"));
}

#[test]
fn a_file_without_a_key_is_named_and_not_shown() {
    let certified = certified();
    let whole = certified.pem.signing_key.serialize_pem();
    let encrypted = whole.replace("PRIVATE", "ENCRYPTED PRIVATE");
    for text in [
        "",
        "m4rker",
        &whole[..whole.len() / 2],
        &certified.pem.cert.pem(),
        &encrypted,
    ] {
        fs::write(&certified.files.key, text).unwrap();
        let (setting, told) = certified.complaint();
        assert_eq!(setting, "server.tls.key");
        assert!(
            told.starts_with("FOLDER/key.pem holds no private key in PEM form; it has to"),
            "{told}"
        );
        assert!(!told.contains("m4rker"), "{told}");
    }
    let of_nothing = "-----BEGIN PRIVATE KEY-----\nbTRya2Vy\n-----END PRIVATE KEY-----\n";
    fs::write(&certified.files.key, of_nothing).unwrap();
    let (setting, told) = certified.complaint();
    assert_eq!(setting, "server.tls.key");
    assert!(
        told.starts_with("the private key in FOLDER/key.pem cannot be used; it has to"),
        "{told}"
    );
}

#[test]
fn a_key_of_another_certificate_is_refused_with_both_paths() {
    let certified = certified();
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let chain = [other.cert.pem(), certified.pem.cert.pem()].concat();
    fs::write(&certified.files.certificate, chain).unwrap();
    assert_eq!(
        certified.complaint(),
        (
            "server.tls.key",
            "the private key in FOLDER/key.pem is not that of the first certificate in FOLDER/chain.pem; \
             name the key that this certificate was made for, and put it first in its file"
                .to_owned()
        )
    );
}
