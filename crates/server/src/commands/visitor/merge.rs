//! `convosync visitor merge`

use std::time::Duration;

use clap::Args;
use convosync_application::access::OpenAccess;
use convosync_application::sync::MergeError;
use convosync_domain::change_set::Counts;
use convosync_domain::identity::VisitorIdentity;
use indicatif::ProgressBar;
use serde_json::json;

use super::on_store;
use crate::backend::{Backend, require_store};
use crate::commands::export::style;
use crate::failure::Failure;
use crate::output::print;
use crate::settings::Settings;
use crate::use_cases::merge_visitors;

const TICK: Duration = Duration::from_millis(200);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The anonymous visitor, who is gone afterwards
    #[arg(long, value_name = "ID")]
    anon_id: String,
    /// The registered visitor, who has everything afterwards
    #[arg(long, value_name = "ID")]
    user_id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Merges visitors, and prints what was created and what was updated by it.
pub(super) async fn run(
    arguments: Arguments,
    settings: &Settings,
    backend: &dyn Backend,
) -> Result<(), Failure> {
    let anonymous = VisitorIdentity::anonymous(arguments.anon_id);
    let anonymous = anonymous.map_err(|error| Failure::usage(error.to_string()))?;
    let user = VisitorIdentity::registered(arguments.user_id);
    let user = user.map_err(|error| Failure::usage(error.to_string()))?;
    require_store(backend)?;
    let merged = on_store(backend, async |store| {
        let merge = merge_visitors(store, settings)?;
        let bar = ProgressBar::new_spinner().with_style(style("{spinner} merging {elapsed}"));
        bar.enable_steady_tick(TICK);
        // Whoever runs this program on the store is believed.
        let (user, anonymous) = (OpenAccess.believe(user), OpenAccess.believe(anonymous));
        let merged = merge.run(&user, &anonymous).await;
        bar.finish_and_clear();
        merged.map_err(|error| match error {
            MergeError::UnknownVisitor => Failure::failed("one of the two is no visitor"),
            error => Failure::caused_by(&error),
        })
    });
    let Counts {
        created,
        updated,
        messages_created,
        messages_updated,
    } = merged.await?;
    if arguments.json {
        let counts = json!({
            "created": created,
            "updated": updated,
            "messages_created": messages_created,
            "messages_updated": messages_updated,
        });
        return print(&counts.to_string());
    }
    print(&format!(
        "{created} conversations created, {updated} updated. \
         {messages_created} messages created, {messages_updated} updated."
    ))
}
