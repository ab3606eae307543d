//! The use cases on a store.

use std::sync::Arc;

use convosync_application::access::Authenticator;
use convosync_application::api_keys::ManageApiKeys;
use convosync_application::byte_budget::ByteBudget;
use convosync_application::list_conversations::ListConversations;
use convosync_application::live::{ChangeHub, FollowChanges};
use convosync_application::pull_changes::{PullChanges, PullSettings};
use convosync_application::read_conversations::ReadConversations;
use convosync_application::reapply_departures::ReapplyDepartures;
use convosync_application::register_visitor::RegisterVisitor;
use convosync_application::sync::deletion::DeleteItem;
use convosync_application::sync::{
    MergeVisitors, RegistrationMode, RegistrationPolicy, SyncConversations, SyncSettings,
};
use convosync_application::take_turn::TakeTurn;
use convosync_application::visitors::{
    EraseVisitor, ExportVisitor, ListVisitors, SummarizeVisitor,
};
use convosync_domain::ports::Clock;
use convosync_domain::usage::Quota;
use convosync_http_actix::{Drain, Services};

use crate::access::AccessMode;
use crate::backend::Store;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::system_anon_ids::SystemAnonIds;
use crate::system_api_keys::SystemApiKeys;
use crate::system_clock::SystemClock;

/// The memory that the requests in flight share.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// Of their bodies.
    pub(crate) bodies: ByteBudget,
    /// Of what is stored.
    pub(crate) reads: ByteBudget,
}

impl Memory {
    /// As much as the settings say.
    pub(crate) fn of(settings: &Settings) -> Self {
        let limits = settings.limits();
        Self {
            bodies: ByteBudget::new(limits.bodies_in_flight_bytes),
            reads: ByteBudget::new(limits.reads_in_flight_bytes),
        }
    }
}

/// What a server answers with.
pub(crate) fn services(
    store: &Arc<dyn Store>,
    settings: &Settings,
    mode: AccessMode,
    authenticator: Arc<dyn Authenticator>,
    hub: &Arc<ChangeHub>,
    drain: Drain,
    memory: &Memory,
) -> Result<Services, Failure> {
    let epoch = store.identity().epoch;
    let limits = settings.limits();
    let Memory {
        bodies: bodies_memory,
        reads: memory,
    } = memory.clone();
    let sync = Arc::new(SyncConversations::new(
        store.clone(),
        store.clone(),
        hub.clone(),
        clock()?,
        settings.sync(mode),
        memory.clone(),
    ));
    let page_bytes = limits.page_bytes;
    let export = ExportVisitor::new(store.clone(), store.clone(), memory.clone());
    let pages = PullSettings { page_bytes, memory };
    let read = ReadConversations::new(store.clone(), store.clone(), epoch, pages.clone());
    let pull = PullChanges::new(store.clone(), store.clone(), epoch, pages);
    Ok(Services {
        authenticator,
        turn: TakeTurn::new(sync.clone(), pull.clone(), store.clone()),
        delete: DeleteItem::new(sync.clone(), store.clone()),
        read,
        merge: MergeVisitors::new(sync.clone(), store.clone(), store.clone()),
        export,
        summarize: summarize_visitor(store),
        erase: EraseVisitor::new(store.clone(), hub.clone(), clock()?),
        sync,
        follow: FollowChanges::new(pull.clone(), hub.clone()),
        list: ListConversations::new(store.clone(), store.clone()),
        pull,
        register: register_visitor(store)?,
        bodies_memory,
        status: store.clone(),
        drain,
    })
}

/// How somebody becomes a visitor of the store.
pub(crate) fn register_visitor(store: &Arc<dyn Store>) -> Result<RegisterVisitor, Failure> {
    let anon_ids = Arc::new(SystemAnonIds);
    Ok(RegisterVisitor::new(store.clone(), anon_ids, clock()?))
}

/// How much a visitor of the store has.
pub(crate) fn summarize_visitor(store: &Arc<dyn Store>) -> SummarizeVisitor {
    SummarizeVisitor::new(store.clone())
}

/// Which visitors the store has.
pub(crate) fn list_visitors(store: &Arc<dyn Store>) -> ListVisitors {
    ListVisitors::new(store.clone(), store.clone())
}

/// How an operator erases visitors. Servers on the store see it in the store.
pub(crate) fn erase_visitor(store: &Arc<dyn Store>) -> Result<EraseVisitor, Failure> {
    let nobody_waits = Arc::new(ChangeHub::alone());
    Ok(EraseVisitor::new(store.clone(), nobody_waits, clock()?))
}

/// How an operator exports visitors, one at a time.
pub(crate) fn export_visitor(store: &Arc<dyn Store>) -> ExportVisitor {
    ExportVisitor::new(store.clone(), store.clone(), ByteBudget::unbounded())
}

/// How an operator merges visitors who are both registered, with all the memory that it takes.
pub(crate) fn merge_visitors(
    store: &Arc<dyn Store>,
    settings: &Settings,
) -> Result<MergeVisitors, Failure> {
    let of_posts = settings.sync(AccessMode::Open { is_exposed: false });
    merge_by(
        store,
        SyncSettings {
            registration: RegistrationPolicy::of_all(RegistrationMode::Explicit),
            ..of_posts
        },
    )
}

fn merge_by(store: &Arc<dyn Store>, settings: SyncSettings) -> Result<MergeVisitors, Failure> {
    let sync = SyncConversations::new(
        store.clone(),
        store.clone(),
        Arc::new(ChangeHub::alone()),
        clock()?,
        settings,
        ByteBudget::unbounded(),
    );
    Ok(MergeVisitors::new(
        Arc::new(sync),
        store.clone(),
        store.clone(),
    ))
}

/// How a restored store is told who has gone. What was merged before is merged again, whatever quotas say.
pub(crate) fn reapply_departures(
    store: &Arc<dyn Store>,
    settings: &Settings,
) -> Result<ReapplyDepartures, Failure> {
    let of_posts = settings.sync(AccessMode::Open { is_exposed: false });
    let settings = SyncSettings {
        registration: RegistrationPolicy::of_all(RegistrationMode::Explicit),
        quota: Quota::default(),
        ..of_posts
    };
    Ok(ReapplyDepartures::new(
        store.clone(),
        store.clone(),
        store.clone(),
        merge_by(store, settings)?,
    ))
}

/// How an operator works with the API keys of the store.
pub(crate) fn manage_api_keys(store: &Arc<dyn Store>) -> Result<ManageApiKeys, Failure> {
    let secrets = Arc::new(SystemApiKeys);
    Ok(ManageApiKeys::new(store.clone(), secrets, clock()?))
}

/// What time it is.
pub(crate) fn clock() -> Result<Arc<dyn Clock>, Failure> {
    let clock = SystemClock::new().map_err(|error| Failure::caused_by(&error))?;
    Ok(Arc::new(clock))
}
