//! What depends on whether visitors have to prove who they are.

use convosync_application::access::AnonymousAccess;
use convosync_application::sync::{RegistrationMode, RegistrationPolicy, SyncSettings};
use convosync_http_actix::{CorsOrigins, LoopbackOnly, RateLimitSettings};

use super::{Registration, Settings};
use crate::access::AccessMode;

impl Settings {
    /// How posts are taken in this mode of access.
    pub(crate) fn sync(&self, access: AccessMode) -> SyncSettings {
        SyncSettings {
            max_clock_skew_seconds: self.sync.max_clock_skew_seconds,
            registration: self.registration(access),
            quota: self.visitors.quota(),
        }
    }

    /// Who registers visitors. Where proof is asked for, a user with a good token needs no registration unless
    /// the settings say so, and an anonymous visitor has an `anon_id` of the server's.
    fn registration(&self, access: AccessMode) -> RegistrationPolicy {
        let is_protected = access == AccessMode::Protected;
        let (users_by_post, anonymous_by_post) = match self.visitors.registration {
            Registration::Explicit => (false, false),
            Registration::Auto => (is_protected, false),
            Registration::OnFirstSync => (true, !is_protected || self.auth.anon.accept_client_ids),
        };
        let mode = |by_post| match by_post {
            true => RegistrationMode::OnFirstSync,
            false => RegistrationMode::Explicit,
        };
        RegistrationPolicy {
            registered: mode(users_by_post),
            anonymous: mode(anonymous_by_post),
        }
    }

    /// What is asked of anonymous visitors where proof is asked for.
    pub(crate) fn anonymous_access(&self) -> AnonymousAccess {
        AnonymousAccess {
            accepts_client_ids: self.auth.anon.accept_client_ids,
            anyone_may_register: self.auth.anon.anyone_may_register,
        }
    }

    /// What is refused in this mode of access so that only programs on this machine are believed.
    pub(crate) fn loopback_only(&self, access: AccessMode) -> Option<LoopbackOnly> {
        let hosts = self.server.hosts.iter();
        let hosts = hosts.map(|host| host.to_ascii_lowercase()).collect();
        (access == AccessMode::Open { is_exposed: false }).then_some(LoopbackOnly { hosts })
    }

    /// Whose pages may read answers in a browser.
    pub(crate) fn cors(&self, access: AccessMode) -> CorsOrigins {
        let listed = &self.server.cors_origins;
        if !listed.is_empty() {
            CorsOrigins::Listed(listed.clone())
        } else if access == AccessMode::Protected {
            CorsOrigins::None
        } else {
            CorsOrigins::Loopback
        }
    }

    /// How often one address or one visitor may ask, where they have to prove who they are.
    pub(crate) fn rate_limits(&self, access: AccessMode) -> Option<RateLimitSettings> {
        (access == AccessMode::Protected).then_some(RateLimitSettings {
            address_requests_per_second: self.limits.address_requests_per_second,
            visitor_requests_per_second: self.limits.visitor_requests_per_second,
            failed_proofs_per_minute: self.limits.failed_proofs_per_minute,
        })
    }
}
