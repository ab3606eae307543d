//! `convosync visitor`

use clap::{Args, Subcommand};
use convosync_application::access::{NewVisitor, OpenAccess};
use convosync_application::register_visitor::RegisterVisitor;
use convosync_domain::identity::{InvalidIdentity, VisitorIdentity};
use convosync_domain::ports::Registration;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::output::print;
use crate::use_cases::register_visitor;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register a visitor; without an id an anonymous one, whose anon_id is printed
    Add(AddArguments),
}

#[derive(Args, Debug)]
struct AddArguments {
    /// The id of an anonymous visitor
    #[arg(long, value_name = "ID", conflicts_with = "user_id")]
    anon_id: Option<String>,
    /// The id of a registered visitor
    #[arg(long, value_name = "ID")]
    user_id: Option<String>,
}

impl AddArguments {
    fn identity(self) -> Option<Result<VisitorIdentity, InvalidIdentity>> {
        let anonymous = self.anon_id.map(VisitorIdentity::anonymous);
        anonymous.or_else(|| self.user_id.map(VisitorIdentity::registered))
    }
}

/// Works with visitors.
pub(super) async fn run(arguments: Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    let Command::Add(visitor) = arguments.command;
    let identity = visitor.identity().transpose();
    let identity = identity.map_err(|error| Failure::usage(error.to_string()))?;
    let store = backend.open()?;
    let line = add(identity, &register_visitor(&store)?).await;
    store.close();
    print(&line?)
}

async fn add(
    identity: Option<VisitorIdentity>,
    register: &RegisterVisitor,
) -> Result<String, Failure> {
    let is_given = identity.is_some();
    // Whoever runs this program on the store is believed.
    let visitor = identity.map(|identity| NewVisitor::Named(OpenAccess.believe(identity)));
    let registered = register.run(visitor.unwrap_or(NewVisitor::Anonymous)).await;
    let registered = registered.map_err(|error| Failure::caused_by(&error))?;
    Ok(match (registered.identity, registered.registration) {
        (VisitorIdentity::Anonymous(anon_id), _) if !is_given => anon_id,
        (_, Registration::Created) => "registered".to_owned(),
        (_, Registration::AlreadyKnown) => "known already".to_owned(),
    })
}
