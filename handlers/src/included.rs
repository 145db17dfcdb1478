//! What an object shows only when asked: the lists and the cash balance of a customer
//! (<https://docs.stripe.com/expand#includable-properties>).

use serde_json::{Value, json};

/// What a customer shows only when asked; those of the legacy API keep their cards as `sources`.
const FIELDS: &[&str] = &["cash_balance", "sources", "subscriptions", "tax_ids"];

/// Adds the field that a path ends in to the customers that it leads to.
pub fn include(resource: &mut Value, path: &[&str]) {
    match (resource, path) {
        (Value::Array(items), _) => {
            for item in items {
                include(item, path);
            }
        }
        (Value::Object(customer), [name]) if FIELDS.contains(name) => {
            if let Some(shown) = field_of(customer, name) {
                customer.entry(*name).or_insert(shown);
            }
        }
        (Value::Object(fields), [name, rest @ ..]) => {
            if let Some(next) = fields.get_mut(*name) {
                include(next, rest);
            }
        }
        _ => {}
    }
}

/// What a customer shows under a name, with the ids of what is in a list. Nothing where there is no
/// customer, or one of whom nothing is left.
fn field_of(customer: &serde_json::Map<String, Value>, name: &str) -> Option<Value> {
    let text = |field: &str| customer.get(field).and_then(Value::as_str);
    if text("object") != Some("customer") || customer.contains_key("deleted") {
        return None;
    }
    if name == "cash_balance" {
        // Customers pay by card alone, so that none has money here to pay with.
        return Some(Value::Null);
    }
    let data = match name {
        // A token takes the place of the default, so that there is one source at most; every other
        // card is a payment method alone.
        "sources" => customer.get("default_source").filter(|source| !source.is_null()),
        _ => None,
    };
    Some(json!({
        "object": "list",
        "data": data.into_iter().collect::<Vec<_>>(),
        "has_more": false,
        "url": format!("/v1/customers/{}/{name}", text("id")?),
    }))
}

/// Whether a path ends in cards of the legacy API.
pub fn holds_sources(path: &[&str]) -> bool {
    matches!(path, [.., "default_source" | "sources"] | [.., "sources", "data"])
}

/// The ids at a value: itself, or what is in it where it is a list.
pub fn ids(slot: &mut Value) -> Vec<&mut Value> {
    if slot.get("object").and_then(Value::as_str) != Some("list") {
        return vec![slot];
    }
    match slot.get_mut("data") {
        Some(Value::Array(items)) => items.iter_mut().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_added_where_a_path_leads_to_a_customer() {
        let customer = json!({"id": "cus_1", "object": "customer", "default_source": "pm_1"});
        let mut page = json!({"object": "list", "data": [customer]});
        include(&mut page, &["data", "sources"]);
        include(&mut page, &["data", "tax_ids"]);
        include(&mut page, &["data", "cash_balance"]);
        assert_eq!(page["data"][0]["sources"]["data"], json!(["pm_1"]));
        assert_eq!(page["data"][0]["sources"]["url"], "/v1/customers/cus_1/sources");
        assert_eq!(page["data"][0]["tax_ids"]["data"], json!([]));
        assert_eq!(page["data"][0].get("cash_balance"), Some(&Value::Null));
        assert_eq!(page["data"][0].get("subscriptions"), None);
    }

    #[test]
    fn nothing_is_added_to_what_is_no_customer() {
        for object in [
            json!({"id": "cus_1", "object": "customer", "deleted": true}),
            json!({"id": "ch_1", "object": "charge"}),
            json!({"customer": "cus_1"}),
        ] {
            let mut shown = object.clone();
            include(&mut shown, &["sources"]);
            assert_eq!(shown, object);
        }
    }
}
