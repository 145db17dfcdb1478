//! The API's own description (OpenAPI 3.1), made from the types of its endpoints.
//!
//! It is made natively and kept as `openapi/openapi.js`, which the Worker serves; a test says when the two have
//! parted. In JavaScript it is not parsed until somebody asks for it, and weighs nothing in WebAssembly. Parameters come from each endpoint's own type, as they are read, and responses from
//! the resources, as they are written.

mod request;
mod response;

use domain::event::API_VERSION;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::endpoint::{Endpoint, Method};
use crate::routes;

/// The description as it is kept: a module of JavaScript, with a function that gives it as JSON.
pub fn module() -> String {
    let mut module = "export const description = () => JSON.stringify(".to_owned();
    outline(&description(), LINES, &mut module);
    module.push_str(");\n");
    module
}

/// How deep a line of its own is worth its space: to each path, and to each part.
const LINES: usize = 3;

/// Writes an object, its fields on lines of their own down to a depth.
fn outline(value: &Value, depth: usize, text: &mut String) {
    let Some((fields, depth)) = value.as_object().zip(depth.checked_sub(1)) else {
        text.push_str(&value.to_string());
        return;
    };
    for (place, (name, field)) in fields.iter().enumerate() {
        text.push_str(if place == 0 { "{\n" } else { ",\n" });
        text.push_str(&format!("{}:", json!(name)));
        outline(field, depth, text);
    }
    text.push_str(if fields.is_empty() { "{}" } else { "\n}" });
}

/// The description of every endpoint.
pub fn description() -> Value {
    let mut description = Description::new();
    routes::describe(&mut description);
    description.finish()
}

/// A description that is being made.
pub struct Description {
    responses: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Description {
    fn new() -> Self {
        Self { responses: response::generator(), paths: Map::new() }
    }

    /// Adds an endpoint under a name of its own.
    pub fn add<E: Endpoint>(&mut self, name: &str)
    where
        E::Parameters: JsonSchema,
    {
        let parameters = request::schema::<E::Parameters>();
        let mut operation = json!({
            "operationId": name,
            "tags": [E::SHOWS],
            "parameters": path_parameters(E::PATH),
            "responses": {
                "200": {
                    "description": "It was done.",
                    "content": {
                        "application/json": {
                            "schema": response::schema(E::METHOD, E::PATH, E::SHOWS),
                        },
                    },
                },
                "default": { "$ref": "#/components/responses/error" },
            },
        });
        if E::METHOD == Method::Get {
            extend(&mut operation, "parameters", request::in_query(&parameters));
        } else {
            set(&mut operation, "requestBody", request::in_body(parameters));
        }
        if E::METHOD == Method::Post {
            let key = json!({ "$ref": "#/components/parameters/idempotency_key" });
            extend(&mut operation, "parameters", vec![key]);
        }
        let path = self.paths.entry(E::PATH).or_insert_with(|| json!({}));
        set(path, &E::METHOD.name().to_ascii_lowercase(), operation);
    }

    fn finish(mut self) -> Value {
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Florin",
                "description": "A payments platform that speaks Stripe's API.",
                "version": API_VERSION,
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [{ "url": "/" }],
            "security": [{ "bearer": [] }, { "basic": [] }],
            "paths": self.paths,
            "components": {
                "parameters": { "idempotency_key": idempotency_key() },
                "responses": { "error": response::error() },
                "schemas": response::components(&mut self.responses),
                "securitySchemes": {
                    "basic": {
                        "type": "http",
                        "scheme": "basic",
                        "description": "The API key as the user name, without a password.",
                    },
                    "bearer": { "type": "http", "scheme": "bearer" },
                },
            },
        })
    }
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Requests with one key are carried out once, and answered alike for a day.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
    })
}

fn path_parameters(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "schema": { "type": "string", "minLength": 1 },
            })
        })
        .collect()
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn extend(object: &mut Value, name: &str, values: Vec<Value>) {
    if let Some(list) = object.get_mut(name).and_then(Value::as_array_mut) {
        list.extend(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_what_the_types_say() {
        assert!(
            include_str!("../../../openapi/openapi.js") == module(),
            "an endpoint or a resource has changed: cargo run -p handlers --features openapi \
             --example openapi > openapi/openapi.js"
        );
    }

    fn walk(value: &Value, visit: &mut impl FnMut(&Map<String, Value>)) {
        match value {
            Value::Object(fields) => {
                visit(fields);
                fields.values().for_each(|field| walk(field, visit));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
            _ => {}
        }
    }

    #[test]
    fn the_outline_is_the_description() {
        let read: Value = serde_json::from_str(&description().to_string()).expect("JSON");
        assert_eq!(read, description());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let description = description();
        let mut count = 0;
        walk(&description, &mut |fields| {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                let found = reference.strip_prefix('#').and_then(|path| description.pointer(path));
                assert!(found.is_some(), "{reference}");
                count += 1;
            }
        });
        assert!(count > 0);
    }

    #[test]
    fn no_two_operations_share_a_name() {
        let mut names = Vec::new();
        walk(&description(), &mut |fields| {
            names.extend(fields.get("operationId").and_then(Value::as_str).map(str::to_owned));
        });
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert!(count > 0 && names.len() == count);
    }
}
