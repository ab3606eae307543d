//! `convosync visitor show`

use clap::Args;
use convosync_domain::ports::VisitorSummary;

use super::named::Named;
use super::{failed, kind, object, on_store};
use crate::backend::{Backend, require_store};
use crate::failure::Failure;
use crate::output::print;
use crate::use_cases::summarize_visitor;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    visitor: Named,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints what there is to tell of a visitor.
pub(super) async fn run(arguments: &Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    let visitor = arguments.visitor.visitor()?;
    require_store(backend)?;
    let summary = on_store(backend, async |store| {
        let summary = summarize_visitor(store).run(visitor).await;
        summary.map_err(|error| failed(&error))
    });
    let summary = summary.await?;
    match arguments.json {
        true => print(&format!("{:#}", object(&summary))),
        false => print(&lines(&summary)),
    }
}

fn lines(summary: &VisitorSummary) -> String {
    let last_changed_at = summary.last_changed_at.map(|at| at.to_string());
    let lines = [
        ("id", Some(summary.id.as_uuid().to_string())),
        ("kind", Some(kind(summary).to_owned())),
        ("user_id", summary.user_id.clone()),
        ("registered", Some(summary.registered_at.to_string())),
        ("last changed", last_changed_at),
        ("changes", Some(summary.change_counter.to_string())),
        (
            "conversations",
            Some(summary.usage.conversations.to_string()),
        ),
        ("messages", Some(summary.messages.to_string())),
        ("bytes", Some(summary.usage.content_bytes.to_string())),
    ];
    let shown = lines.into_iter().filter_map(|(name, value)| {
        let value = value?;
        Some(format!("{name:13}  {value}"))
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use convosync_domain::identity::VisitorId;
    use convosync_domain::timestamp::Timestamp;
    use convosync_domain::usage::Usage;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let summary = VisitorSummary {
            id: VisitorId::from_uuid(Uuid::from_u128(1)),
            user_id: None,
            registered_at: Timestamp::parse("2026-01-02T03:04:05Z").unwrap(),
            last_changed_at: None,
            change_counter: 0,
            usage: Usage::default(),
            messages: 0,
        };
        let expected = "\
id             00000000-0000-0000-0000-000000000001
kind           anonymous
registered     2026-01-02T03:04:05Z
changes        0
conversations  0
messages       0
bytes          0";
        assert_eq!(lines(&summary), expected);
    }
}
