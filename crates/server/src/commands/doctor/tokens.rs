//! The keys that users' tokens are checked with.

use std::path::Path;
use std::time::Instant;

use convosync_jwt::{ExamineError, KeySource, examine};

use crate::access::key_source;
use crate::finding::Finding;
use crate::private_file;
use crate::settings::{Configuration, JwtSection};

const CHECK: &str = "token keys";
/// An issuer that takes longer makes the first users wait.
const SLOW_SECONDS: f64 = 1.0;

/// Nothing where no tokens are taken.
pub(super) fn findings(configuration: &Configuration) -> Vec<Finding> {
    let jwt = &configuration.settings.auth.jwt;
    let source = match key_source(configuration) {
        Ok(None) => return Vec::new(),
        Ok(Some((_, source))) => source,
        Err(failure) => {
            return vec![Finding::failed(
                CHECK,
                failure.to_string(),
                "set one of auth.jwt.secret_file, auth.jwt.jwks_file and auth.jwt.jwks_url, to what the user \
                that serves can read",
            )];
        }
    };
    let mut findings = keys(&source);
    if !jwt.secret_file.is_empty() {
        findings.extend(private_file::finding(
            "token secret",
            Path::new(&jwt.secret_file),
        ));
    }
    findings.extend(claims(jwt, &source));
    findings
}

fn keys(source: &KeySource) -> Vec<Finding> {
    let begun = Instant::now();
    let examined = examine(source);
    let seconds = begun.elapsed().as_secs_f64();
    let examined = match examined {
        Ok(examined) => examined,
        Err(error) => return vec![refused(&error, source)],
    };
    let mut findings: Vec<_> = examined
        .unusable
        .iter()
        .map(|reason| {
            Finding::note(
                CHECK,
                reason,
                "nothing has to be done if users' tokens are signed with another key; RS256, ES256 and EdDSA \
                are taken",
            )
        })
        .collect();
    let count = examined.usable.len();
    let algorithms = examined.usable.join(", ");
    findings.push(match (count, source) {
        (0, _) => Finding::failed(
            CHECK,
            "the key set has no key that tokens can be checked with",
            "have the issuer publish a public key for RS256, ES256 or EdDSA",
        ),
        (_, KeySource::JwksUrl(_)) if seconds > SLOW_SECONDS => Finding::warning(
            CHECK,
            format!("{count} ({algorithms}), fetched in {seconds:.1} s"),
            "see why auth.jwt.jwks_url is slow: after a start users wait for it, and five seconds are the most",
        ),
        (_, KeySource::JwksUrl(_)) => Finding::ok(
            CHECK,
            format!("{count} ({algorithms}), fetched in {seconds:.1} s"),
        ),
        _ => Finding::ok(CHECK, format!("{count} ({algorithms})")),
    });
    findings
}

fn refused(error: &ExamineError, source: &KeySource) -> Finding {
    let mut found = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        found = format!("{found}: {cause}");
    }
    let advice = match (source, error) {
        (KeySource::Secret(_), _) => "make a longer one: openssl rand -base64 48",
        (KeySource::JwksFile(_), _) => {
            "set auth.jwt.jwks_file to a JSON Web Key Set that the user that serves can read: {\"keys\": […]}"
        }
        (_, ExamineError::NotFetched(_)) => {
            "see that this machine reaches auth.jwt.jwks_url (`curl -v` it), and trusts its certificate; \
            without a way out use auth.jwt.jwks_file"
        }
        _ => {
            "set auth.jwt.jwks_url to what the issuer documents as its JWKS (docs/access.md has a table)"
        }
    };
    Finding::failed(CHECK, found, advice)
}

fn claims(jwt: &JwtSection, source: &KeySource) -> Vec<Finding> {
    const CHECK: &str = "token claims";
    let mut findings = Vec::new();
    if jwt.audience.is_empty() {
        findings.push(Finding::warning(
            CHECK,
            "no audience is asked for: a token for another service of the same issuer is taken, too",
            "set auth.jwt.audience to the aud of tokens for this server",
        ));
    }
    // Whoever shares the secret is the issuer.
    if jwt.issuer.is_empty() && !matches!(source, KeySource::Secret(_)) {
        findings.push(Finding::note(
            CHECK,
            "no issuer is asked for",
            "set auth.jwt.issuer to the iss of the tokens",
        ));
    }
    if jwt.max_lifetime_hours == 0 {
        findings.push(Finding::warning(
            CHECK,
            "tokens are taken however long they are good: one that leaks is good for ever",
            "set auth.jwt.max_lifetime_hours, 24 or less",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            "issuer, audience and lifetime are asked for",
        ));
    }
    findings
}
