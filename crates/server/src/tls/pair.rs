//! A certificate chain and the key of its first certificate, from PEM files.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::Files;

/// The longest file that is read, in bytes; chains of certificates have some kilobytes.
const LONGEST: u64 = 1 << 20;

/// Why files are no certificate and its key. Nothing of what they hold is told.
#[derive(Debug, thiserror::Error)]
pub(super) enum PairError {
    /// A file cannot be read.
    #[error(
        "cannot read {}: {cause}; it has to be there, for the user that serves to read", path.display()
    )]
    Unreadable {
        setting: &'static str,
        path: PathBuf,
        cause: io::Error,
    },
    /// What is there is a folder or a device, or too long.
    #[error("{} is no file of at most {LONGEST} bytes; name a PEM file", path.display())]
    NoFile {
        setting: &'static str,
        path: PathBuf,
    },
    /// There is no certificate in the file of certificates, or a damaged one.
    #[error(
        "{} holds no certificates in PEM form; it has to hold that of the server and then those of its issuers, \
         each from its line BEGIN CERTIFICATE to its line END CERTIFICATE",
        .0.display()
    )]
    NoCertificate(PathBuf),
    /// There is no key in the file of the key, or a damaged one.
    #[error(
        "{} holds no private key in PEM form; it has to hold one in the form PKCS#8, PKCS#1 or SEC1 \
         that no passphrase protects",
        .0.display()
    )]
    NoKey(PathBuf),
    /// The key is of a kind or size that TLS does not use here.
    #[error(
        "the private key in {} cannot be used; it has to be a sound one, of RSA with 2048 to 8192 bits, \
         ECDSA on P-256, P-384 or P-521, or Ed25519",
        .0.display()
    )]
    UnusableKey(PathBuf),
    /// The key is another certificate's.
    #[error(
        "the private key in {} is not that of the first certificate in {}; \
         name the key that this certificate was made for, and put it first in its file",
        key.display(), certificate.display()
    )]
    Mismatch { certificate: PathBuf, key: PathBuf },
}

impl PairError {
    /// The setting to look at.
    pub(super) fn setting(&self) -> &'static str {
        match self {
            Self::Unreadable { setting, .. } | Self::NoFile { setting, .. } => setting,
            Self::NoCertificate(_) => CERTIFICATE,
            Self::NoKey(_) | Self::UnusableKey(_) | Self::Mismatch { .. } => KEY,
        }
    }
}

const CERTIFICATE: &str = "server.tls.certificate";
const KEY: &str = "server.tls.key";

/// Reads a certificate chain and the key of its first certificate.
pub(super) fn read(files: &Files, provider: &CryptoProvider) -> Result<CertifiedKey, PairError> {
    let Files { certificate, key } = files;
    let no_certificate = || PairError::NoCertificate(certificate.clone());
    let text = read_file(CERTIFICATE, certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.or(Err(no_certificate()))?;
    let all_parse = chain
        .iter()
        .all(|certificate| ParsedCertificate::try_from(certificate).is_ok());
    if chain.is_empty() || !all_parse {
        return Err(no_certificate());
    }

    let text = read_file(KEY, key)?;
    let private = PrivateKeyDer::from_pem_slice(&text).or(Err(PairError::NoKey(key.clone())))?;
    let private = provider.key_provider.load_private_key(private);
    let private = private.or(Err(PairError::UnusableKey(key.clone())))?;
    let pair = CertifiedKey::new(chain, private);
    match pair.keys_match() {
        // Whether they match is not known of every kind of key.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
        Err(Error::InconsistentKeys(_)) => Err(PairError::Mismatch {
            certificate: certificate.clone(),
            key: key.clone(),
        }),
        Err(_) => Err(no_certificate()),
    }
}

fn read_file(setting: &'static str, path: &Path) -> Result<Vec<u8>, PairError> {
    let path = path.to_owned();
    let read = || {
        // Before it is opened: a pipe would wait for its writer.
        if !fs::metadata(&path)?.is_file() {
            return Ok(None);
        }
        let mut text = Vec::new();
        File::open(&path)?
            .take(LONGEST + 1)
            .read_to_end(&mut text)?;
        let is_too_long = u64::try_from(text.len()).is_ok_and(|bytes| bytes > LONGEST);
        Ok((!is_too_long).then_some(text))
    };
    match read() {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(PairError::NoFile { setting, path }),
        Err(cause) => Err(PairError::Unreadable {
            setting,
            path,
            cause,
        }),
    }
}
