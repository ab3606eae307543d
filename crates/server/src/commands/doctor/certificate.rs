//! What a certificate says.

use std::net::IpAddr;

use convosync_domain::timestamp::Timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::finding::Finding;

/// Fewer days than an authority's clients renew before the end mean that nobody renews it.
const DAYS_MIN: i64 = 14;

const DAY: i64 = 86_400;

/// What is looked at of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) subject: String,
    pub(super) issuer: String,
    /// The host names and addresses that it is for.
    pub(super) names: Vec<String>,
    /// From when and until when it is good, in seconds since 1970.
    not_before: i64,
    not_after: i64,
}

impl Certificate {
    pub(super) fn parse(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.map(|names| names.value.general_names.as_slice());
        let names = names.unwrap_or_default().iter().filter_map(name).collect();
        Some(Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names,
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
        })
    }

    /// Whether it is for a host; a `*` stands for one label.
    pub(super) fn is_for(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.names.iter().any(|name| {
            let name = name.to_ascii_lowercase();
            let below = host.split_once('.').map(|(_, below)| below);
            let wild = name.strip_prefix("*.");
            name == host || (wild.is_some() && wild == below)
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// Whether it is good now, and for a while.
pub(super) fn validity(
    check: &'static str,
    certificate: &Certificate,
    now: Timestamp,
    renew: &str,
) -> Finding {
    let now = now.as_micros().div_euclid(1_000_000);
    let subject = &certificate.subject;
    let left = (certificate.not_after - now).div_euclid(DAY);
    if now < certificate.not_before {
        return Finding::failed(
            check,
            format!("{subject} is not good yet"),
            "see that the clock of this machine is right, and else wait or make another one",
        );
    }
    match left {
        ..0 => Finding::failed(
            check,
            format!("{subject} has ended {} days ago", -left),
            renew,
        ),
        0..DAYS_MIN => Finding::warning(check, format!("{subject} ends in {left} days"), renew),
        _ => Finding::ok(check, format!("{subject}, for {left} days more")),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;
    use crate::finding::Status;

    /// A certificate that is good in November 2026.
    fn certificate(names: &[&str]) -> Certificate {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2026, 11, 1);
        params.not_after = date_time_ymd(2026, 12, 1);
        params.distinguished_name.push(DnType::CommonName, "chats");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Certificate::parse(certificate.der()).unwrap()
    }

    #[test]
    fn how_long_it_is_good() {
        let certificate = certificate(&["chats.example"]);
        assert!(certificate.subject.contains("chats"), "{certificate:?}");
        for (now, expected) in [
            ("2026-10-31T23:59:59Z", Status::Failed),
            ("2026-11-01T00:00:00Z", Status::Ok),
            ("2026-11-16T00:00:00Z", Status::Ok),
            ("2026-11-18T00:00:00Z", Status::Warning),
            ("2026-11-30T23:00:00Z", Status::Warning),
            ("2026-12-01T00:00:01Z", Status::Failed),
        ] {
            let now_is = Timestamp::parse(now).unwrap();
            let finding = validity("certificate", &certificate, now_is, "renew it");
            assert_eq!(finding.status, expected, "{now}: {finding:?}");
        }
    }

    #[test]
    fn for_whom_it_is() {
        let certificate = certificate(&[
            "chats.example",
            "*.chats.example",
            "192.0.2.1",
            "2001:db8::1",
        ]);
        for host in [
            "chats.example",
            "Chats.Example.",
            "a.chats.example",
            "192.0.2.1",
            "2001:db8::1",
        ] {
            assert!(certificate.is_for(host), "{host}");
        }
        for host in ["a.b.chats.example", "example", "192.0.2.2", "*"] {
            assert!(!certificate.is_for(host), "{host}");
        }
        assert_eq!(Certificate::parse(b"no certificate"), None);
    }
}
