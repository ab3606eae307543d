//! The use cases on a store.

use std::sync::Arc;

use convosync_application::access::Authenticator;
use convosync_application::api_keys::ManageApiKeys;
use convosync_application::byte_budget::ByteBudget;
use convosync_application::list_conversations::ListConversations;
use convosync_application::live::{ChangeHub, FollowChanges};
use convosync_application::pull_changes::{PullChanges, PullSettings};
use convosync_application::read_conversations::ReadConversations;
use convosync_application::register_visitor::RegisterVisitor;
use convosync_application::sync::SyncConversations;
use convosync_application::sync::deletion::DeleteItem;
use convosync_application::take_turn::TakeTurn;
use convosync_domain::ports::Clock;
use convosync_http_actix::{Drain, Services};

use crate::access::AccessMode;
use crate::backend::Store;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::system_anon_ids::SystemAnonIds;
use crate::system_api_keys::SystemApiKeys;
use crate::system_clock::SystemClock;

/// What a server answers with.
pub(crate) fn services(
    store: &Arc<dyn Store>,
    settings: &Settings,
    mode: AccessMode,
    authenticator: Arc<dyn Authenticator>,
    hub: &Arc<ChangeHub>,
    drain: Drain,
) -> Result<Services, Failure> {
    let epoch = store.identity().epoch;
    let limits = settings.limits();
    let memory = ByteBudget::new(limits.reads_in_flight_bytes);
    let sync = Arc::new(SyncConversations::new(
        store.clone(),
        store.clone(),
        hub.clone(),
        clock()?,
        settings.sync(mode),
        memory.clone(),
    ));
    let page_bytes = limits.page_bytes;
    let pages = PullSettings { page_bytes, memory };
    let read = ReadConversations::new(store.clone(), store.clone(), epoch, pages.clone());
    let pull = PullChanges::new(store.clone(), store.clone(), epoch, pages);
    Ok(Services {
        authenticator,
        turn: TakeTurn::new(sync.clone(), pull.clone(), store.clone()),
        delete: DeleteItem::new(sync.clone(), store.clone()),
        read,
        sync,
        follow: FollowChanges::new(pull.clone(), hub.clone()),
        list: ListConversations::new(store.clone(), store.clone()),
        pull,
        register: register_visitor(store)?,
        status: store.clone(),
        drain,
    })
}

/// How somebody becomes a visitor of the store.
pub(crate) fn register_visitor(store: &Arc<dyn Store>) -> Result<RegisterVisitor, Failure> {
    let anon_ids = Arc::new(SystemAnonIds);
    Ok(RegisterVisitor::new(store.clone(), anon_ids, clock()?))
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
