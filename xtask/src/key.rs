//! `cargo xtask key`: API keys made, listed, rolled with an overlap, and revoked.
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use domain::api_key::RESOURCES;
use pico_args::Arguments;
use serde_json::{Map, Value, json};

use crate::{clock, finish, node, setup, state};

/// How long an old key works beside its successor unless said.
const OVERLAP: &str = "24h";

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let order = match arguments.subcommand()?.as_deref() {
        Some("create") => create(&mut arguments)?,
        Some("list") => {
            json!({"task": "list", "account": arguments.value_from_str::<_, String>("--account")?})
        }
        Some("roll") => {
            let overlap: Option<String> = arguments.opt_value_from_str("--overlap")?;
            let overlap = clock::seconds(overlap.as_deref().unwrap_or(OVERLAP))?;
            let id: String = arguments.value_from_str("--id")?;
            json!({"task": "roll", "id": id, "overlap": overlap})
        }
        Some("revoke") => {
            json!({"task": "revoke", "id": arguments.value_from_str::<_, String>("--id")?})
        }
        _ => bail!("usage: cargo xtask key create|list|roll|revoke; see `cargo xtask help`"),
    };
    let folder: Option<String> = arguments.opt_value_from_str("--state")?;
    let remote = arguments.contains("--remote");
    finish(arguments)?;
    ensure!(!(remote && folder.is_some()), "--state and --remote exclude each other");
    setup::node_packages()?;
    let mut command = node::script("key.ts")?;
    command.arg(order.to_string());
    if !remote {
        command.arg(state::existing(folder)?);
    }
    Ok(if command.status()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn create(arguments: &mut Arguments) -> Result<Value> {
    let account: String = arguments.value_from_str("--account")?;
    let kind: Option<String> = arguments.opt_value_from_str("--kind")?;
    let kind = kind.unwrap_or_else(|| "secret".to_owned());
    let livemode = arguments.contains("--live");
    let name: Option<String> = arguments.opt_value_from_str("--name")?;
    let allowed: Vec<String> = arguments.values_from_str("--allow")?;
    let mut order = json!({
        "task": "create", "account": account, "kind": kind, "livemode": livemode, "name": name,
    });
    match kind.as_str() {
        "secret" | "publishable" => {
            ensure!(allowed.is_empty(), "--allow is for restricted keys");
        }
        "restricted" => order["permissions"] = Value::Object(permissions(&allowed)?),
        other => bail!("--kind {other}: one of secret, publishable and restricted"),
    }
    Ok(order)
}

/// Reads `charge=read` and `refund=write`.
fn permissions(allowed: &[String]) -> Result<Map<String, Value>> {
    let mut permissions = Map::new();
    for right in allowed {
        match right.split_once('=') {
            Some((resource, access @ ("read" | "write"))) => {
                ensure!(
                    RESOURCES.contains(&resource),
                    "--allow {right}: there is no resource {resource}, but {}",
                    RESOURCES.join(", ")
                );
                permissions.insert(resource.to_owned(), access.into());
            }
            _ => bail!("--allow {right}: write RESOURCE=read or RESOURCE=write"),
        }
    }
    Ok(permissions)
}

#[cfg(test)]
mod tests {
    use super::permissions;

    #[test]
    fn rights_are_read() {
        let rights = permissions(&["charge=read".to_owned(), "refund=write".to_owned()]);
        assert_eq!(rights.ok().map(|rights| rights.len()), Some(2));
        for wrong in ["charge", "charge=all", "=read", "nonsense=read", "charges=read"] {
            assert!(permissions(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
