//! `clients`: API keys. A key is printed once, when it is made.

use super::{Context, Ended, Sorry};
use crate::clock::SystemClock;
use crate::engine::ports::{Clock, NewEvent};
use crate::identity::api_key;
use crate::store::records::ClientRecord;
use clap::Subcommand;
use lockdown::ids::SiteId;
use lockdown::operator::Scope;
use lockdown::timeline::EventKind;
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

pub(super) async fn run(context: &Context, command: Command) -> Result<Ended, Sorry> {
    let (config, store) = context.store().await?;
    match command {
        Command::Add { name, scope, site } => {
            let site = site.map(SiteId::try_from).transpose()?;
            if let Some(site) = &site
                && !config.sites.iter().any(|known| known.plan.site == *site)
            {
                return Err(Sorry(format!("there is no site “{site}” in the configuration")));
            }
            let made =
                api_key::add(store.as_ref(), &name, scope.into_iter().collect(), site, SystemClock.now()).await?;
            let mut value = shown(&made.record);
            value["key"] = made.key.expose().into();
            context.print(
                &value,
                format!(
                    "{}\nKeep it: it is not shown again. It ends {:.0}.",
                    made.key.expose(),
                    made.record.expires_at
                ),
            );
        }
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
            let found = store
                .client(&id)
                .await?
                .ok_or_else(|| Sorry(format!("there is no key with the id {id}: see `clients list`")))?;
            let now = SystemClock.now();
            let kind = EventKind::ClientRevoked { client: found.id.clone(), name: found.name.clone() };
            let revoked = ClientRecord { revoked_at: Some(found.revoked_at.unwrap_or(now)), ..found };
            store.put_client(&revoked, NewEvent { at: now, site: None, by: None, kind }).await?;
            context.print(&shown(&revoked), format!("{} is revoked", revoked.name));
        }
    }
    Ok(Ended::Done)
}

fn shown(client: &ClientRecord) -> Value {
    json!({ "id": client.id, "name": client.name, "scopes": client.scopes, "site": client.site, "created_at": client.created_at, "expires_at": client.expires_at, "revoked_at": client.revoked_at })
}
