//! The application on mocks, for the tests of this crate.

pub(crate) mod changing;
pub(crate) mod logged;
pub(crate) mod served;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{body, test, web};
use convosync_application::access::{Authenticator, OpenAccess};
use convosync_application::byte_budget::ByteBudget;
use convosync_application::list_conversations::ListConversations;
use convosync_application::live::{ChangeHub, FollowChanges};
use convosync_application::pull_changes::{PullChanges, PullSettings};
use convosync_application::read_conversations::ReadConversations;
use convosync_application::register_visitor::RegisterVisitor;
use convosync_application::sync::deletion::DeleteItem;
use convosync_application::sync::{
    MergeVisitors, RegistrationMode, RegistrationPolicy, SyncConversations, SyncSettings,
};
use convosync_application::take_turn::TakeTurn;
use convosync_application::visitors::{EraseVisitor, ExportVisitor, SummarizeVisitor};
use convosync_domain::conversation::Conversation;
use convosync_domain::identity::ConversationId;
use convosync_domain::ports::{
    ConversationHead, Heads, MockAnonIds, MockChangeFeed, MockChangeNotifier, MockClock,
    MockConversationList, MockConversationReader, MockMergeStore, MockStoreArchive,
    MockStoreStatus, MockSyncStore, MockVisitorStore, NamedConversation, StoreIdentity, Visitor,
};
use convosync_domain::stored::{ConversationHistory, StoredConversation};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::{Quota, Usage};
use uuid::Uuid;

use crate::origins::CorsOrigins;
use crate::routes::app;
use crate::settings::{
    HttpSettings, Limits, LoopbackOnly, RateLimitSettings, UnknownFields, Version,
};
use crate::state::{AppState, Drain, Services};
use crate::static_files::StaticFolder;

/// The ports; a test sets up what it expects of them and nothing else may be called.
pub(crate) struct Ports {
    pub(crate) sync: MockSyncStore,
    pub(crate) visitors: MockVisitorStore,
    pub(crate) list: MockConversationList,
    pub(crate) feed: MockChangeFeed,
    pub(crate) reader: MockConversationReader,
    pub(crate) archive: MockStoreArchive,
    pub(crate) merge: MockMergeStore,
    pub(crate) anon_ids: MockAnonIds,
    pub(crate) status: MockStoreStatus,
    pub(crate) drain: Drain,
    pub(crate) hub: Arc<ChangeHub>,
    pub(crate) limits: Limits,
    pub(crate) unknown_fields: UnknownFields,
    pub(crate) loopback_only: Option<LoopbackOnly>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) cors: CorsOrigins,
    pub(crate) rate_limits: Option<RateLimitSettings>,
    pub(crate) registration: RegistrationMode,
    pub(crate) static_folder: Option<StaticFolder>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Ports {
    pub(crate) fn new() -> Self {
        let mut status = MockStoreStatus::new();
        status.expect_identity().returning(|| StoreIdentity {
            epoch: Uuid::from_u128(5),
            digest_seed: 7,
        });
        Self {
            sync: MockSyncStore::new(),
            visitors: MockVisitorStore::new(),
            list: MockConversationList::new(),
            feed: MockChangeFeed::new(),
            reader: MockConversationReader::new(),
            archive: MockStoreArchive::new(),
            merge: MockMergeStore::new(),
            anon_ids: MockAnonIds::new(),
            status,
            drain: Drain::new(),
            hub: Arc::new(ChangeHub::alone()),
            limits: Limits::default(),
            unknown_fields: UnknownFields::Keep,
            loopback_only: None,
            authenticator: Arc::new(OpenAccess),
            cors: CorsOrigins::None,
            rate_limits: None,
            registration: RegistrationMode::Explicit,
            static_folder: None,
        }
    }

    /// Ports that know every visitor.
    pub(crate) fn with_known_visitor() -> Self {
        Self::with_visitor_at(0)
    }

    /// Ports that know every visitor at this change counter.
    pub(crate) fn with_visitor_at(change_counter: u64) -> Self {
        let mut ports = Self::new();
        ports.visitors.expect_find().returning(move |id| {
            Ok(Some(Visitor {
                id,
                change_counter,
                usage: Usage::default(),
            }))
        });
        ports
    }

    pub(crate) fn into_services(self) -> Services {
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .returning(|| Timestamp::from_micros(1_000_000).unwrap());
        let clock = Arc::new(clock);
        let visitors = Arc::new(self.visitors);
        let settings = SyncSettings {
            max_clock_skew_seconds: 300,
            registration: RegistrationPolicy::of_all(self.registration),
            quota: Quota::default(),
        };
        let mut notifier = MockChangeNotifier::new();
        notifier.expect_notify().returning(|_| ());
        let notifier = Arc::new(notifier);
        let archive = Arc::new(self.archive);
        let memory = ByteBudget::new(self.limits.reads_in_flight_bytes);
        let sync = Arc::new(SyncConversations::new(
            Arc::new(self.sync),
            visitors.clone(),
            notifier.clone(),
            clock.clone(),
            settings,
            memory.clone(),
        ));
        let page_bytes = self.limits.page_bytes;
        let pages = PullSettings {
            page_bytes,
            memory: memory.clone(),
        };
        let reader = Arc::new(self.reader);
        let epoch = Uuid::from_u128(5);
        let read = ReadConversations::new(reader.clone(), visitors.clone(), epoch, pages.clone());
        let pull = PullChanges::new(Arc::new(self.feed), visitors.clone(), epoch, pages);
        Services {
            authenticator: self.authenticator,
            turn: TakeTurn::new(sync.clone(), pull.clone(), archive.clone()),
            delete: DeleteItem::new(sync.clone(), reader),
            merge: MergeVisitors::new(sync.clone(), Arc::new(self.merge), archive.clone()),
            export: ExportVisitor::new(archive, visitors.clone(), memory),
            summarize: SummarizeVisitor::new(visitors.clone()),
            erase: EraseVisitor::new(visitors.clone(), notifier, clock.clone()),
            sync,
            list: ListConversations::new(Arc::new(self.list), visitors.clone()),
            follow: FollowChanges::new(pull.clone(), self.hub),
            pull,
            read,
            register: RegisterVisitor::new(visitors, Arc::new(self.anon_ids), clock),
            bodies_memory: ByteBudget::new(self.limits.bodies_in_flight_bytes),
            status: Arc::new(self.status),
            drain: self.drain,
        }
    }

    pub(crate) fn settings(&self) -> HttpSettings {
        HttpSettings {
            limits: self.limits,
            unknown_fields: self.unknown_fields,
            loopback_only: self.loopback_only.clone(),
            cors: self.cors.clone(),
            trusted_proxies: Vec::new(),
            rate_limits: self.rate_limits,
            workers: 1,
            tls: None,
            shutdown_timeout_seconds: 1,
            metrics: None,
            static_folder: self.static_folder.clone(),
            version: version(),
        }
    }

    pub(crate) fn into_state(self) -> web::Data<AppState> {
        let settings = self.settings();
        web::Data::new(AppState::new(self.into_services(), settings))
    }

    /// Sends one request to an application on these ports.
    pub(crate) async fn send(self, request: test::TestRequest) -> Answer {
        send(&self.into_state(), request).await
    }
}

pub(crate) fn version() -> Version {
    Version {
        version: "1.2.3".into(),
        commit: "abc".into(),
        schema: "4".into(),
    }
}

pub(crate) async fn send(state: &web::Data<AppState>, request: test::TestRequest) -> Answer {
    let service = test::init_service(app(state.clone())).await;
    let response = match test::try_call_service(&service, request.to_request()).await {
        Ok(response) => response.into_parts().1,
        Err(error) => error.error_response(),
    };
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: String::from_utf8(body::to_bytes(response.into_body()).await.unwrap().into())
            .unwrap(),
    }
}

/// A request with a JSON body and a name that can be compared.
pub(crate) fn post(url: &str, body: impl Into<Vec<u8>>) -> test::TestRequest {
    named(test::TestRequest::post().uri(url))
        .insert_header(("Content-Type", "application/json"))
        .set_payload(body.into())
}

pub(crate) fn get(url: &str) -> test::TestRequest {
    named(test::TestRequest::get().uri(url))
}

pub(crate) fn named(request: test::TestRequest) -> test::TestRequest {
    request.insert_header(("X-Request-Id", "r"))
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The heads of named conversations that are stored and have no messages.
pub(crate) fn heads_of(named: &[NamedConversation]) -> Heads {
    let conversations = named
        .iter()
        .map(|named| ConversationHead {
            conversation: StoredConversation {
                id: ConversationId::from_uuid(named.key.as_uuid()),
                history: ConversationHistory::default(),
                content: Some(Conversation::default()),
            },
            messages: Vec::new(),
        })
        .collect();
    Heads {
        change_counter: 1,
        conversations,
    }
}
