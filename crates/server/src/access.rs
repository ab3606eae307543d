//! Who may: the mode of access, and the authenticator that the settings ask for.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use convosync_application::access::{Authenticator, OpenAccess, ProtectedAccess};
use convosync_application::api_keys::VerifyApiKey;
use convosync_domain::ports::{Clock, TokenVerifier};
use convosync_jwt::{JwtSettings, JwtVerifier, KeySource};
use tokio::runtime::Handle;

use crate::backend::Store;
use crate::failure::Failure;
use crate::reloads::{Reloads, WatchedFiles};
use crate::settings::{AuthMode, Configuration};

/// Whether proof is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessMode {
    /// Whoever names a visitor is that visitor.
    Open {
        /// Whether others than programs on this machine are believed, too.
        is_exposed: bool,
    },
    /// Visitors prove who they are.
    Protected,
}

impl AccessMode {
    /// The mode that the settings ask for where the server is, or is not, to be reached from other machines;
    /// `None` if they rule it out.
    pub(crate) fn of(mode: AuthMode, is_reached: bool, allows_exposure: bool) -> Option<Self> {
        match (mode, is_reached) {
            (AuthMode::Protected, _) => Some(Self::Protected),
            (AuthMode::Auto, true) if !allows_exposure => Some(Self::Protected),
            (AuthMode::Open, true) if !allows_exposure => None,
            _ => Some(Self::Open {
                is_exposed: allows_exposure,
            }),
        }
    }
}

/// What judges who asks.
pub(crate) struct Access {
    pub(crate) authenticator: Arc<dyn Authenticator>,
    tokens: Option<Arc<JwtVerifier>>,
    /// One line for whoever starts the server.
    pub(crate) description: String,
}

impl Access {
    /// Has the keys of tokens fetched now, if they have to be, and read again whenever that is asked for. (That their
    /// file has changed, the verifier sees by itself.)
    pub(crate) fn read_again_on(&self, reloads: &mut Reloads) {
        let Some(tokens) = self.tokens.clone() else {
            return;
        };
        let fetched = tokens.clone();
        actix_web::rt::spawn(async move { fetched.reload().await });
        let runtime = Handle::current();
        reloads.add(WatchedFiles::at([]), move || {
            runtime.block_on(tokens.reload());
        });
    }
}

/// The authenticator of this mode.
pub(crate) fn access(
    mode: AccessMode,
    configuration: &Configuration,
    store: &Arc<dyn Store>,
    clock: Arc<dyn Clock>,
) -> Result<Access, Failure> {
    if let AccessMode::Open { .. } = mode {
        return Ok(Access {
            authenticator: Arc::new(OpenAccess),
            tokens: None,
            description: "open: whoever names a visitor is that visitor".to_owned(),
        });
    }
    let tokens = tokens(configuration, clock.clone())?.map(Arc::new);
    let verifier = tokens
        .clone()
        .map(|tokens| -> Arc<dyn TokenVerifier> { tokens });
    let anonymous = configuration.settings.anonymous_access();
    let api_keys = VerifyApiKey::new(store.clone(), clock);
    let users = match &tokens {
        Some(_) => "users by a token, ",
        None => "",
    };
    Ok(Access {
        authenticator: Arc::new(ProtectedAccess::new(verifier, api_keys, anonymous)),
        tokens,
        description: format!(
            "protected: {users}anonymous visitors by their anon_id, back ends by an API key"
        ),
    })
}

/// What checks tokens, if the settings say by which keys.
fn tokens(
    configuration: &Configuration,
    clock: Arc<dyn Clock>,
) -> Result<Option<JwtVerifier>, Failure> {
    let jwt = &configuration.settings.auth.jwt;
    let Some((key, source)) = key_source(configuration)? else {
        return Ok(None);
    };
    let settings = JwtSettings {
        keys: source,
        issuer: Some(jwt.issuer.clone()).filter(|issuer| !issuer.is_empty()),
        audience: jwt.audience.clone(),
        user_claim: jwt.user_claim.clone(),
        max_lifetime: (jwt.max_lifetime_hours > 0)
            .then(|| Duration::from_secs(jwt.max_lifetime_hours * 3_600)),
    };
    match JwtVerifier::new(settings, clock) {
        Ok(verifier) => Ok(Some(verifier)),
        Err(error) => Err(configuration.refuse(key, &error.to_string())),
    }
}

/// Where the keys of tokens are, and the setting that says so.
pub(crate) fn key_source(
    configuration: &Configuration,
) -> Result<Option<(&'static str, KeySource)>, Failure> {
    let jwt = &configuration.settings.auth.jwt;
    let mut sources = Vec::new();
    if let Some(secret) = jwt.secret.reveal() {
        let secret = secret.to_owned();
        sources.push(("auth.jwt.secret", KeySource::Secret(secret)));
    }
    if !jwt.secret_file.is_empty() {
        let key = "auth.jwt.secret_file";
        let secret = fs::read_to_string(&jwt.secret_file).map_err(|error| {
            let problem = format!("cannot read {}: {error}", jwt.secret_file);
            configuration.refuse(key, &problem)
        })?;
        // Editors and `echo` end a file with a line break, which is not meant.
        let secret = secret.trim_end().to_owned();
        sources.push((key, KeySource::Secret(secret)));
    }
    if !jwt.jwks_file.is_empty() {
        let file = PathBuf::from(&jwt.jwks_file);
        sources.push(("auth.jwt.jwks_file", KeySource::JwksFile(file)));
    }
    if !jwt.jwks_url.is_empty() {
        let url = jwt.jwks_url.clone();
        sources.push(("auth.jwt.jwks_url", KeySource::JwksUrl(url)));
    }
    if let [(first, _), (second, _), ..] = sources.as_slice() {
        let problem = format!("stands beside {first}; tokens are checked by one kind of key");
        return Err(configuration.refuse(second, &problem));
    }
    Ok(sources.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_asked_for_proof_unless_the_settings_say_otherwise() {
        let open = |is_exposed| Some(AccessMode::Open { is_exposed });
        let protected = Some(AccessMode::Protected);
        for (mode, is_reached, allows_exposure, expected) in [
            (AuthMode::Auto, false, false, open(false)),
            (AuthMode::Auto, false, true, open(true)),
            (AuthMode::Auto, true, false, protected),
            (AuthMode::Auto, true, true, open(true)),
            (AuthMode::Open, false, false, open(false)),
            (AuthMode::Open, true, false, None),
            (AuthMode::Open, true, true, open(true)),
            (AuthMode::Protected, false, false, protected),
            (AuthMode::Protected, true, true, protected),
        ] {
            let chosen = AccessMode::of(mode, is_reached, allows_exposure);
            assert_eq!(chosen, expected, "{mode:?} {is_reached} {allows_exposure}");
        }
    }
}
