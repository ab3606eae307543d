//! What the handlers share.

use std::fmt;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use convosync_application::access::Authenticator;
use convosync_application::byte_budget::ByteBudget;
use convosync_application::list_conversations::ListConversations;
use convosync_application::live::FollowChanges;
use convosync_application::pull_changes::PullChanges;
use convosync_application::read_conversations::ReadConversations;
use convosync_application::register_visitor::RegisterVisitor;
use convosync_application::sync::deletion::DeleteItem;
use convosync_application::sync::{MergeVisitors, SyncConversations};
use convosync_application::take_turn::TakeTurn;
use convosync_application::visitors::{EraseVisitor, ExportVisitor, SummarizeVisitor};
use convosync_domain::ports::{StoreIdentity, StoreStatus};
use tokio::sync::watch;
use uuid::Uuid;

use crate::body::BodyReader;
use crate::measures::Measures;
use crate::openapi::Documents;
use crate::operations::GuardedMetrics;
use crate::origins::CorsOrigins;
use crate::rate_limits::RateLimits;
use crate::recent_ids::{RecentIds, recent_ids};
use crate::request::TrustedProxies;
use crate::routes;
use crate::settings::{HttpSettings, Limits, LoopbackOnly, UnknownFields, Version};
use crate::static_files::StaticFiles;
use crate::streams::Streams;
use crate::turns::Turns;

/// What the server answers with.
pub struct Services {
    /// Judges who asks.
    pub authenticator: Arc<dyn Authenticator>,
    /// Takes posts.
    pub sync: Arc<SyncConversations>,
    /// Lists conversations.
    pub list: ListConversations,
    /// Pulls changes.
    pub pull: PullChanges,
    /// Waits for changes and pulls them.
    pub follow: FollowChanges,
    /// Takes posts and pulls, in one request.
    pub turn: TakeTurn,
    /// Shows conversations.
    pub read: ReadConversations,
    /// Deletes conversations and messages.
    pub delete: DeleteItem,
    /// Registers visitors.
    pub register: RegisterVisitor,
    /// Tells how much a visitor has.
    pub summarize: SummarizeVisitor,
    /// Erases visitors.
    pub erase: EraseVisitor,
    /// Hands out everything that a visitor has.
    pub export: ExportVisitor,
    /// Merges anonymous visitors into users.
    pub merge: MergeVisitors,
    /// The memory of all request bodies in flight.
    pub bodies_memory: ByteBudget,
    /// Tells whether the store can serve.
    pub status: Arc<dyn StoreStatus>,
    /// Tells whether the server is about to stop.
    pub drain: Drain,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// The switch that takes a server out of service before it stops. Clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<watch::Sender<Phase>>);

/// How far a server has come on its way to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Serving,
    Draining,
    Closing,
}

impl Drain {
    /// A server in service.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the server out of service: from now on `/readyz` answers 503, while requests are still served. Whoever
    /// waits for changes is answered now.
    pub fn begin(&self) {
        self.go_on_to(Phase::Draining);
    }

    /// Returns when the server is taken out of service.
    pub(crate) async fn begun(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Has connections end on which clients could ask for more and more: those of HTTP/2 take no more
    /// requests, and close when what was asked before is answered. To be called before the server is stopped,
    /// which ends the others.
    pub fn close(&self) {
        self.go_on_to(Phase::Closing);
    }

    /// Whether the server is out of service.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() >= Phase::Draining
    }

    pub(crate) fn is_closing(&self) -> bool {
        *self.0.borrow() == Phase::Closing
    }

    /// Returns when connections are to end.
    pub(crate) async fn closing(&self) {
        self.reached(Phase::Closing).await;
    }

    async fn reached(&self, wanted: Phase) {
        let mut phases = self.0.subscribe();
        // It fails only when the switch is gone, which this is.
        let _ = phases.wait_for(|phase| *phase >= wanted).await;
    }

    fn go_on_to(&self, phase: Phase) {
        self.0.send_modify(|current| *current = phase.max(*current));
    }
}

/// What the handlers share.
pub(crate) struct AppState {
    pub(crate) services: Services,
    pub(crate) limits: Limits,
    pub(crate) bodies: BodyReader,
    pub(crate) turns: Turns,
    pub(crate) streams: Streams,
    pub(crate) recent_ids: RecentIds,
    pub(crate) unknown_fields: UnknownFields,
    pub(crate) loopback_only: Option<LoopbackOnly>,
    pub(crate) cors: CorsOrigins,
    pub(crate) proxies: TrustedProxies,
    pub(crate) rate_limits: Option<RateLimits>,
    pub(crate) version: Version,
    pub(crate) version_header: HeaderValue,
    pub(crate) documents: Documents,
    pub(crate) measures: Measures,
    /// What `/metrics` tells, where it is served here.
    pub(crate) metrics: Option<GuardedMetrics>,
    /// The files beside the API, where there are any.
    pub(crate) static_files: Option<StaticFiles>,
    /// Names this life of the store.
    pub(crate) epoch: Uuid,
}

impl AppState {
    pub(crate) fn new(services: Services, settings: HttpSettings) -> Self {
        let HttpSettings {
            limits,
            unknown_fields,
            loopback_only,
            cors,
            trusted_proxies,
            rate_limits,
            metrics,
            static_folder,
            version,
            workers,
            ..
        } = settings;
        let StoreIdentity { epoch, digest_seed } = services.status.identity();
        let version_header = HeaderValue::from_str(&version.version)
            .unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        Self {
            epoch,
            bodies: BodyReader::new(limits, services.bodies_memory.clone(), digest_seed),
            services,
            turns: Turns::new(workers, limits.queue),
            streams: Streams::new(limits),
            recent_ids: recent_ids(),
            limits,
            unknown_fields,
            loopback_only,
            cors,
            proxies: TrustedProxies::new(trusted_proxies),
            rate_limits: rate_limits.map(RateLimits::new),
            documents: Documents::of(&version.version),
            version,
            version_header,
            measures: Measures::of(routes::paths()),
            metrics,
            static_files: static_folder.map(StaticFiles::of),
        }
    }
}
