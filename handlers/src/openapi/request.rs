//! The parameters of an endpoint, in a form or a query.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::set;

/// The schema of an endpoint's parameters, with those that every endpoint has.
pub(super) fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        // A resource of the same name is another type.
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    without_null(&mut schema);
    if let Some(fields) = schema.as_object_mut() {
        // The name and the sentence of the type mean nothing outside.
        fields.remove("title");
        fields.remove("description");
        let properties = fields.entry("properties").or_insert_with(|| json!({}));
        set(properties, "expand", expand());
        if let Some(properties) = properties.as_object_mut() {
            *properties = std::mem::take(properties).into_iter().map(spell).collect();
        }
    }
    schema
}

/// A list is spelled with brackets. None is ever required, so that its name stands nowhere else.
fn spell((name, schema): (String, Value)) -> (String, Value) {
    if is_list(&schema) { (format!("{name}[]"), schema) } else { (name, schema) }
}

fn expand() -> Value {
    json!({
        "type": "array",
        "items": { "type": "string" },
        "description": "The fields that are to hold an object instead of its id.",
    })
}

/// A form has no null: what is not there is left out.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.retain(|name, value| !(name == "default" && value.is_null()));
            fields.values_mut().for_each(without_null);
            without_null_type(fields);
            without_null_choice(fields);
            as_enum(fields);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

fn without_null_type(fields: &mut Map<String, Value>) {
    for name in ["type", "enum"] {
        if let Some(choices) = fields.get_mut(name).and_then(Value::as_array_mut) {
            choices.retain(|choice| !(choice.is_null() || choice == "null"));
            if let ("type", [only]) = (name, choices.as_slice()) {
                let only = only.clone();
                fields.insert(name.to_owned(), only);
            }
        }
    }
}

fn without_null_choice(fields: &mut Map<String, Value>) {
    let Some(choices) = fields.get_mut("anyOf").and_then(Value::as_array_mut) else { return };
    choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        fields.remove("anyOf");
        for (name, value) in only {
            // What is said of the parameter counts for more than what is said of its type.
            fields.entry(name).or_insert(value);
        }
    }
}

/// The choices alone, without a sentence for each.
fn as_enum(fields: &mut Map<String, Value>) {
    let Some(choices) = fields.get("oneOf").and_then(Value::as_array) else { return };
    let names: Option<Vec<_>> = choices.iter().map(|choice| choice.get("const").cloned()).collect();
    if let Some(names) = names {
        fields.remove("oneOf");
        fields.insert("type".to_owned(), json!("string"));
        fields.insert("enum".to_owned(), Value::Array(names));
    }
}

/// Whether a value is written as one text.
fn is_plain(schema: &Value) -> bool {
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        return choices.iter().all(is_plain);
    }
    let kind = schema.get("type").and_then(Value::as_str);
    matches!(kind, Some("string" | "integer" | "boolean" | "number"))
}

fn is_list(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "array")
}

/// The parameters, one by one, as a query has them.
pub(super) fn in_query(schema: &Value) -> Vec<Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    let parameters = properties.into_iter().flatten().map(|(name, schema)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|fields| fields.remove("description"));
        let mut parameter = if is_list(&schema) {
            json!({ "name": name, "style": "form", "explode": true })
        } else if is_plain(&schema) {
            json!({ "name": name })
        } else {
            json!({ "name": name, "style": "deepObject", "explode": true })
        };
        set(&mut parameter, "in", json!("query"));
        set(&mut parameter, "required", json!(is_required(name)));
        set(&mut parameter, "schema", schema);
        if let Some(description) = description {
            set(&mut parameter, "description", description);
        }
        parameter
    });
    parameters.collect()
}

/// The parameters as a form has them.
pub(super) fn in_body(schema: Value) -> Value {
    let is_required = schema.get("required").is_some();
    let properties = schema.get("properties").and_then(Value::as_object);
    let encoding: Map<_, _> = properties
        .into_iter()
        .flatten()
        .filter(|(_, schema)| !is_plain(schema) && !is_list(schema))
        .map(|(name, _)| (name.clone(), json!({ "style": "deepObject", "explode": true })))
        .collect();
    json!({
        "required": is_required,
        "content": {
            "application/x-www-form-urlencoded": { "schema": schema, "encoding": encoding },
        },
    })
}
