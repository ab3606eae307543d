//! Which visitor a command is about.

use clap::Args;
use convosync_application::access::{AuthorizedId, OpenAccess};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use uuid::Uuid;

use crate::failure::Failure;

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Named {
    /// The id of a registered visitor
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
    /// The id of an anonymous visitor
    #[arg(long, value_name = "ID")]
    anon_id: Option<String>,
    /// What the store knows the visitor by, as `visitor list` shows it
    #[arg(long, value_name = "UUID")]
    id: Option<Uuid>,
}

impl Named {
    /// The visitor. Whoever runs this program on the store is believed.
    pub(super) fn visitor(&self) -> Result<AuthorizedId, Failure> {
        if let Some(id) = self.id {
            return Ok(OpenAccess.believe_id(VisitorId::from_uuid(id)));
        }
        let anonymous = self.anon_id.as_ref().map(VisitorIdentity::anonymous);
        let registered = || self.user_id.as_ref().map(VisitorIdentity::registered);
        match anonymous.or_else(registered) {
            Some(Ok(identity)) => Ok(OpenAccess.believe(identity).at_rest()),
            Some(Err(error)) => Err(Failure::usage(error.to_string())),
            None => Err(Failure::usage("name a visitor")),
        }
    }
}
