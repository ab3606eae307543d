//! The certificate that the server shows, and its key.

use convosync_domain::ports::Clock;

use super::certificate::{Certificate, validity};
use crate::finding::Finding;
use crate::private_file;
use crate::settings::Configuration;
use crate::tls::Tls;

const CHECK: &str = "certificate";

/// Nothing where the server speaks plain HTTP.
pub(super) fn findings(configuration: &Configuration, clock: &dyn Clock) -> Vec<Finding> {
    let server = &configuration.settings.server;
    let Some((_, key)) = server.tls.files() else {
        return Vec::new();
    };
    let mut findings: Vec<_> = private_file::finding("private key", key)
        .into_iter()
        .collect();
    let chain = match Tls::load(configuration) {
        Ok(Some(tls)) => tls.chain(),
        Ok(None) => return findings,
        Err(failure) => {
            findings.push(Finding::failed(
                CHECK,
                failure.to_string(),
                "put the chain (fullchain.pem) and its key (privkey.pem) there, for the user that serves to read",
            ));
            return findings;
        }
    };
    let chain: Vec<_> = chain
        .iter()
        .filter_map(|der| Certificate::parse(der))
        .collect();
    let Some(first) = chain.first() else {
        return findings;
    };
    let advice =
        "renew it (certbot renew, acme.sh --renew); it is read again when the files change";
    findings.push(validity(CHECK, first, clock.now(), advice));
    findings.extend(order(&chain));
    findings.extend(names(first, &server.hosts));
    findings
}

/// Each certificate has to be followed by that of its issuer.
fn order(chain: &[Certificate]) -> Option<Finding> {
    const CHECK: &str = "certificate chain";
    let broken = chain
        .iter()
        .zip(chain.iter().skip(1))
        .find(|(of, next)| of.issuer != next.subject);
    match (broken, chain) {
        (Some((of, next)), _) => Some(Finding::failed(
            CHECK,
            format!(
                "after {} stands {}, and not {} that issued it",
                of.subject, next.subject, of.issuer
            ),
            "put the server's certificate first and each issuer's after what it issued, as fullchain.pem has them",
        )),
        (None, [only]) if only.subject != only.issuer => Some(Finding::warning(
            CHECK,
            format!(
                "{} stands alone, without {} that issued it",
                only.subject, only.issuer
            ),
            "name the file with the whole chain (fullchain.pem) in server.tls.certificate: many clients do not \
            fetch the rest",
        )),
        (None, [only]) => Some(Finding::note(
            CHECK,
            format!(
                "{} is signed by itself: clients trust it only if they are told to",
                only.subject
            ),
            "use one of an authority that clients know, such as Let's Encrypt",
        )),
        (None, _) => Some(Finding::ok(
            CHECK,
            format!("{} certificates in their order", chain.len()),
        )),
    }
}

/// The names by which the server is to be known.
fn names(certificate: &Certificate, hosts: &[String]) -> Vec<Finding> {
    const CHECK: &str = "certificate names";
    let all = certificate.names.join(", ");
    if certificate.names.is_empty() {
        return vec![Finding::failed(
            CHECK,
            "the certificate names no host (subjectAltName)",
            "make it again with the names of the server: clients look at no other",
        )];
    }
    let missing: Vec<_> = hosts
        .iter()
        .filter(|host| !certificate.is_for(host))
        .map(String::as_str)
        .collect();
    match missing.is_empty() {
        true => vec![Finding::ok(CHECK, all)],
        false => vec![Finding::failed(
            CHECK,
            format!("it is for {all}, and not for {}", missing.join(", ")),
            "make it again with every name in server.hosts",
        )],
    }
}
