//! `clients`: API keys. A key is printed once, when it is made.

use super::{Context, Ended, Sorry};
use crate::clock::SystemClock;
use crate::identity::api_key::{self, ApiKeys, DEFAULT_DAYS, KeyError, KeySpec, NewKey};
use crate::store::records::ClientRecord;
use clap::Subcommand;
use engine::ports::Clock;
use ipnet::IpNet;
use lockdown::ids::SiteId;
use lockdown::operator::Scope;
use serde_json::{Value, json};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a key and print it, once
    Add {
        #[arg(long)]
        name: String,
        /// status:read, lock:enable, lock:release, calls:read, calls:write, hooks:manage
        #[arg(long, required = true, value_parser = scope, value_delimiter = ',')]
        scope: Vec<Scope>,
        /// Good for this site only
        #[arg(long)]
        site: Option<String>,
        /// Good from these networks or addresses only
        #[arg(long, value_parser = network, value_delimiter = ',')]
        network: Vec<IpNet>,
        /// Good for so long: 1 to 365
        #[arg(long, default_value_t = DEFAULT_DAYS)]
        days: i64,
    },
    /// Give a key a new secret and print it, once; the old one stays good for a while
    Rotate {
        /// The id that `clients list` shows
        id: String,
        /// For so long: 0 to 7
        #[arg(long, default_value_t = 7)]
        overlap_days: i64,
    },
    /// List all keys, without the keys themselves
    List,
    /// Take a key back, at once
    Revoke {
        /// The id that `clients list` shows
        id: String,
    },
}

fn scope(word: &str) -> Result<Scope, String> {
    let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.word()).collect();
    Scope::from_word(word).ok_or_else(|| format!("write one of {}", all.join(", ")))
}

fn network(word: &str) -> Result<IpNet, String> {
    api_key::network(word).ok_or_else(|| "write a network such as 10.0.0.0/8, or an address".into())
}

fn show_new(context: &Context, made: &NewKey) {
    let mut value = shown(&made.record);
    value["key"] = made.key.expose().into();
    let ends = made.record.expires_at;
    context.print(&value, format!("{}\nKeep it: it is not shown again. It ends {ends:.0}.", made.key.expose()));
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Ended, Sorry> {
    let (config, store) = context.store().await?;
    let desk = ApiKeys { store: store.as_ref(), by: None, now: SystemClock.now() };
    match command {
        Command::Add { name, scope, site, network, days } => {
            let site = site.map(SiteId::try_from).transpose()?;
            if let Some(site) = &site
                && !config.sites.iter().any(|known| known.plan.site == *site)
            {
                return Err(Sorry(format!("there is no site “{site}” in the configuration")));
            }
            let spec = KeySpec { name, scopes: scope.into_iter().collect(), site, networks: network, days };
            show_new(context, &desk.add(spec).await?);
        }
        Command::Rotate { id, overlap_days } => show_new(context, &desk.rotate(&id, overlap_days).await?),
        Command::List => {
            let clients = store.clients().await?;
            let lines = clients.iter().map(|c| {
                let scopes: Vec<&str> = c.scopes.iter().map(|scope| scope.word()).collect();
                let state =
                    if c.revoked_at.is_some() { "revoked".to_owned() } else { format!("until {:.0}", c.expires_at) };
                format!("{:<10} {:<24} {:<32} {state}", c.id.as_str(), c.name, scopes.join(","))
            });
            let value: Vec<Value> = clients.iter().map(shown).collect();
            context.print(&json!(value), lines.collect::<Vec<_>>().join("\n"));
        }
        Command::Revoke { id } => {
            let revoked = desk.revoke(&id, false).await.map_err(|error| match error {
                KeyError::NoSuchKey => Sorry(format!("there is no live key with the id {id}: see `clients list`")),
                error => error.into(),
            })?;
            context.print(&shown(&revoked), format!("{} is revoked", revoked.name));
        }
    }
    Ok(Ended::Done)
}

fn shown(client: &ClientRecord) -> Value {
    json!({ "id": client.id, "name": client.name, "scopes": client.scopes, "site": client.site, "created_at": client.created_at, "expires_at": client.expires_at, "revoked_at": client.revoked_at, "networks": client.networks, "last_used": client.last_used, "old_secret_until": client.previous.as_ref().map(|old| old.ends_at) })
}
