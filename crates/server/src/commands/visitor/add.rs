//! `convosync visitor add`

use clap::Args;
use convosync_application::access::{NewVisitor, OpenAccess};
use convosync_application::register_visitor::Registered;
use convosync_domain::identity::{InvalidIdentity, VisitorIdentity};
use convosync_domain::ports::Registration;
use serde_json::{Value, json};

use super::on_store;
use crate::backend::Backend;
use crate::failure::Failure;
use crate::output::print;
use crate::use_cases::register_visitor;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The id of an anonymous visitor
    #[arg(long, value_name = "ID", conflicts_with = "user_id")]
    anon_id: Option<String>,
    /// The id of a registered visitor
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn identity(self) -> Option<Result<VisitorIdentity, InvalidIdentity>> {
        let anonymous = self.anon_id.map(VisitorIdentity::anonymous);
        anonymous.or_else(|| self.user_id.map(VisitorIdentity::registered))
    }
}

/// Registers a visitor.
pub(super) async fn run(arguments: Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    let is_json = arguments.json;
    let identity = arguments.identity().transpose();
    let identity = identity.map_err(|error| Failure::usage(error.to_string()))?;
    let is_given = identity.is_some();
    // Whoever runs this program on the store is believed.
    let visitor = identity.map(|identity| NewVisitor::Named(OpenAccess.believe(identity)));
    let registered = on_store(backend, async |store| {
        let register = register_visitor(store)?;
        let registered = register.run(visitor.unwrap_or(NewVisitor::Anonymous));
        registered.await.map_err(|error| Failure::caused_by(&error))
    });
    let Registered {
        identity,
        registration,
    } = registered.await?;
    if is_json {
        return print(&object(&identity, registration).to_string());
    }
    match (identity, registration) {
        (VisitorIdentity::Anonymous(anon_id), _) if !is_given => print(&anon_id),
        (_, Registration::Created) => print("registered"),
        (_, Registration::AlreadyKnown) => print("known already"),
    }
}

fn object(identity: &VisitorIdentity, registration: Registration) -> Value {
    let is_new = registration == Registration::Created;
    match identity {
        VisitorIdentity::Anonymous(anon_id) => json!({ "anon_id": anon_id, "is_new": is_new }),
        VisitorIdentity::Registered(user_id) => json!({ "user_id": user_id, "is_new": is_new }),
    }
}
