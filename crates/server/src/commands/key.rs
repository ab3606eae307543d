//! `convosync key`

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand, value_parser};
use convosync_application::api_keys::{ListedApiKey, ManageApiKeys, NewApiKey, RevokedApiKey};
use convosync_domain::api_key::{ApiKeyId, ApiKeyName, ApiKeyState, Scope};
use convosync_domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::table::Table;
use crate::backend::{Backend, require_store};
use crate::failure::Failure;
use crate::output::print;
use crate::use_cases::manage_api_keys;

const SECONDS_PER_DAY: u64 = 86_400;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an API key, which is printed and cannot be told again
    Create(CreateArguments),
    /// List the API keys, without their secrets
    List(ListArguments),
    /// Revoke an API key, at once and for ever
    Revoke(RevokeArguments),
}

#[derive(Args, Debug)]
struct CreateArguments {
    /// What the key is for; several are given with commas or by repeating the option
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        required = true,
        value_delimiter = ','
    )]
    #[arg(value_parser = PossibleValuesParser::new(Scope::ALL.map(Scope::as_str))
        .try_map(|word| word.parse::<Scope>()))]
    scopes: Vec<Scope>,
    /// What to call the key in lists
    #[arg(long, value_name = "TEXT", default_value = "")]
    name: String,
    /// After how many days it is refused; without it, never
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    expires_in_days: Option<u32>,
}

#[derive(Args, Debug)]
struct ListArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct RevokeArguments {
    /// The id of the key, as `key list` shows it; it stands in the key itself after `csk_`
    #[arg(value_name = "ID")]
    id: String,
}

/// Works with API keys.
pub(super) async fn run(arguments: Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    match arguments.command {
        Command::Create(arguments) => create(arguments, backend).await,
        Command::List(arguments) => list(&arguments, backend).await,
        Command::Revoke(arguments) => revoke(&arguments, backend).await,
    }
}

/// Does the work on the opened store.
async fn on_store<T>(
    backend: &dyn Backend,
    work: impl AsyncFnOnce(ManageApiKeys) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let store = backend.open()?;
    let done = work(manage_api_keys(&store)?).await;
    store.close();
    done
}

async fn create(arguments: CreateArguments, backend: &dyn Backend) -> Result<(), Failure> {
    let name = ApiKeyName::new(arguments.name);
    let days = arguments.expires_in_days.map(u64::from);
    let new = NewApiKey {
        name: name.map_err(|error| Failure::usage(error.to_string()))?,
        scopes: arguments.scopes.into_iter().collect(),
        lifetime: days.map(|days| Duration::from_secs(days * SECONDS_PER_DAY)),
    };
    let created = on_store(backend, async |keys| {
        let created = keys.create(new).await;
        created.map_err(|error| Failure::caused_by(&error))
    });
    print(&created.await?.token)
}

async fn list(arguments: &ListArguments, backend: &dyn Backend) -> Result<(), Failure> {
    require_store(backend)?;
    let listed = on_store(backend, async |keys| {
        let listed = keys.list().await;
        listed.map_err(|error| Failure::caused_by(&error))
    });
    let listed = listed.await?;
    if arguments.json {
        let keys: Vec<_> = listed.iter().map(object).collect();
        return print(&format!("{:#}", Value::Array(keys)));
    }
    print(&table(&listed))
}

async fn revoke(arguments: &RevokeArguments, backend: &dyn Backend) -> Result<(), Failure> {
    let id = ApiKeyId::parse(&arguments.id);
    let id = id.map_err(|error| Failure::usage(error.to_string()))?;
    require_store(backend)?;
    let revoked = on_store(backend, async |keys| {
        let revoked = keys.revoke(id).await;
        revoked.map_err(|error| Failure::caused_by(&error))
    });
    match revoked.await? {
        RevokedApiKey::Now => print("revoked"),
        RevokedApiKey::Before => print("revoked already"),
        RevokedApiKey::Unknown => Err(Failure::failed("there is no API key with this id")),
    }
}

fn object(listed: &ListedApiKey) -> Value {
    let key = &listed.key;
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "id": key.id.to_string(),
        "name": key.name.as_str(),
        "scopes": key.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
        "created_at": key.created_at.to_string(),
        "expires_at": moment(key.expires_at),
        "revoked_at": moment(key.revoked_at),
        "state": word_for(listed.state),
    })
}

fn word_for(state: ApiKeyState) -> &'static str {
    match state {
        ApiKeyState::Active => "active",
        ApiKeyState::Expired => "expired",
        ApiKeyState::Revoked => "revoked",
    }
}

fn table(listed: &[ListedApiKey]) -> String {
    let rows = listed.iter().map(|listed| {
        let key = &listed.key;
        let expires_at = key.expires_at.map(|at| at.to_string());
        [
            key.id.to_string(),
            key.name.as_str().to_owned(),
            key.scopes.to_string(),
            key.created_at.to_string(),
            expires_at.unwrap_or_else(|| "never".to_owned()),
            word_for(listed.state).to_owned(),
        ]
    });
    let titles = ["ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "STATE"];
    Table::new(titles).lines(rows)
}

#[cfg(test)]
mod tests {
    use convosync_domain::api_key::{ApiKey, Scopes, SecretHash};

    use super::*;

    fn listed(name: &str, expires_at: Option<&str>, state: ApiKeyState) -> ListedApiKey {
        let at = |text| Timestamp::parse(text).unwrap();
        let key = ApiKey {
            id: ApiKeyId::from_bits(0xab),
            name: ApiKeyName::new(name).unwrap(),
            secret_hash: SecretHash::of("secret"),
            scopes: Scopes::from_iter([Scope::Admin, Scope::SyncAny]),
            created_at: at("2026-01-02T03:04:05Z"),
            expires_at: expires_at.map(at),
            revoked_at: None,
        };
        ListedApiKey { key, state }
    }

    #[test]
    fn a_table_has_a_line_for_each_key() {
        let keys = [
            listed(
                "nächtlich",
                Some("2026-02-02T03:04:05.5Z"),
                ApiKeyState::Active,
            ),
            listed("", None, ApiKeyState::Revoked),
        ];
        let expected = "\
ID                NAME       SCOPES          CREATED               EXPIRES                   STATE
00000000000000ab  nächtlich  admin,sync:any  2026-01-02T03:04:05Z  2026-02-02T03:04:05.500Z  active
00000000000000ab             admin,sync:any  2026-01-02T03:04:05Z  never                     revoked";
        assert_eq!(table(&keys), expected);
        assert_eq!(table(&[]), "ID  NAME  SCOPES  CREATED  EXPIRES  STATE");
    }
}
