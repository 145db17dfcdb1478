//! What endpoints answer.

use domain::error::ErrorBody;
use domain::resource;
use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use super::set;
use crate::endpoint::Method;
use crate::expand::expandable;

/// Makes the schemas of all resources, each under the name that its `object` field has.
pub(super) fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
        settings.contract = Contract::Serialize;
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<ErrorBody>();
    generator.subschema_for::<resource::account::Resource>();
    generator.subschema_for::<resource::balance::Resource>();
    generator.subschema_for::<resource::balance_transaction::Resource>();
    generator.subschema_for::<resource::bank_account::Deleted>();
    generator.subschema_for::<resource::bank_account::Resource>();
    generator.subschema_for::<resource::charge::Resource>();
    generator.subschema_for::<resource::customer::Deleted>();
    generator.subschema_for::<resource::customer::Resource>();
    generator.subschema_for::<resource::dispute::Resource>();
    generator.subschema_for::<resource::event::Resource>();
    generator.subschema_for::<resource::file::Resource>();
    generator.subschema_for::<resource::florin::ConnectorAccountDeleted>();
    generator.subschema_for::<resource::florin::ConnectorAccountResource>();
    generator.subschema_for::<resource::florin::ConnectorWebhookResource>();
    generator.subschema_for::<resource::florin::PaymentAttemptResource>();
    generator.subschema_for::<resource::florin::EventReplayResource>();
    generator.subschema_for::<resource::settlement::SettlementBreakResource>();
    generator.subschema_for::<resource::settlement::SettlementReportResource>();
    generator.subschema_for::<resource::florin::WebhookDeliveryResource>();
    generator.subschema_for::<resource::florin::WebhookEndpointResource>();
    generator.subschema_for::<resource::payment_intent::Resource>();
    generator.subschema_for::<resource::payment_method::Resource>();
    generator.subschema_for::<resource::payout::Resource>();
    generator.subschema_for::<resource::refund::Resource>();
    generator.subschema_for::<resource::report_run::Resource>();
    generator.subschema_for::<resource::report_type::Resource>();
    generator.subschema_for::<resource::routing::DryRun>();
    generator.subschema_for::<resource::routing::Resource>();
    generator.subschema_for::<resource::setup_intent::Resource>();
    generator.subschema_for::<resource::webhook_endpoint::Resource>();
    generator.subschema_for::<resource::webhook_endpoint::Deleted>();
    generator.subschema_for::<resource::token::Resource>();
    generator.subschema_for::<resource::topup::Resource>();
    generator.subschema_for::<resource::transfer::Resource>();
    generator.subschema_for::<resource::transfer::ReversalResource>();
    generator
}

/// What an endpoint answers, as its method and path say: a page under a plural, and otherwise the
/// resource that they are about.
pub(super) fn schema(method: Method, path: &str, resource: &str) -> Value {
    let (_, end) = path.rsplit_once('/').unwrap_or_default();
    match (method, end) {
        (Method::Delete, _) => reference(&format!("deleted_{resource}")),
        (Method::Get, "search") => page("search_result", resource),
        (Method::Get, end) if end.ends_with('s') => page("list", resource),
        // A deleted customer is still there to be seen.
        (Method::Get, _) if resource == "customer" => {
            json!({ "anyOf": [reference("customer"), reference("deleted_customer")] })
        }
        _ => reference(resource),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn page(object: &str, resource: &str) -> Value {
    let mut properties = json!({
        "object": { "const": object },
        "data": { "type": "array", "items": reference(resource) },
        "has_more": { "type": "boolean" },
        "url": { "type": "string" },
    });
    let mut required = vec!["object", "data", "has_more", "url"];
    if object == "search_result" {
        set(&mut properties, "next_page", json!({ "type": ["string", "null"] }));
        set(&mut properties, "total_count", json!({ "type": "integer" }));
        required.push("next_page");
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The response of whatever went wrong.
pub(super) fn error() -> Value {
    json!({
        "description": "It was not done.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": { "error": reference("api_error") },
                    "required": ["error"],
                },
            },
        },
    })
}

/// The schemas of all resources and of what they are made of.
pub(super) fn components(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut schemas = generator.take_definitions(true);
    for (name, schema) in &mut schemas {
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            name_object(name, properties);
            expand(name, properties);
        }
    }
    schemas
}

/// The `object` field says what a resource is.
fn name_object(name: &str, properties: &mut Map<String, Value>) {
    if let Some(object) = properties.get_mut("object") {
        *object = json!({ "const": name.trim_start_matches("deleted_") });
    }
}

/// A field that can be expanded holds an id, or the object itself.
fn expand(name: &str, properties: &mut Map<String, Value>) {
    for field in expandable(name) {
        let expanded: &[&str] = match *field {
            "balance_transaction" | "failure_balance_transaction" => &["balance_transaction"],
            "charge" | "latest_charge" => &["charge"],
            "source" if name == "balance_transaction" => {
                &["charge", "dispute", "payout", "refund", "topup", "transfer", "transfer_reversal"]
            }
            "customer" => &["customer", "deleted_customer"],
            "destination" => &["bank_account"],
            "original_payout" | "reversed_by" => &["payout"],
            "payment_intent" => &["payment_intent"],
            "payment_method" => &["payment_method"],
            "transfer" => &["transfer"],
            _ => continue,
        };
        if let Some(schema) = properties.get_mut(*field) {
            let objects = expanded.iter().map(|name| reference(name));
            let choices: Vec<_> = std::iter::once(schema.take()).chain(objects).collect();
            *schema = json!({ "anyOf": choices });
        }
    }
}
