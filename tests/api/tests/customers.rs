//! Customers: made, changed, found, deleted; and what they keep.

use api::{Answer, Api};
use serde_json::{Value, json};

fn customer(api: &Api, form: &[(&str, &str)]) -> Answer {
    api.post("/v1/customers", form).ok()
}

/// The data of the newest event of a type.
fn event(api: &Api, event_type: &str) -> Value {
    let rows = api.platform.database().query(
        "SELECT data FROM events WHERE type = ?1 ORDER BY sequence DESC LIMIT 1",
        store::values![event_type],
    );
    let row = rows.first().unwrap_or_else(|| panic!("no {event_type}"));
    serde_json::from_str(row.text("data").expect("a text")).expect("JSON")
}

fn count(api: &Api, sql: &str) -> usize {
    api.platform.database().query(sql, Vec::new()).len()
}

#[test]
fn a_customer_has_every_field_that_was_given() {
    let api = Api::new();
    let made = customer(
        &api,
        &[
            ("email", "jenny@example.com"),
            ("name", "Jenny Rosen"),
            ("business_name", "Rosen Ltd"),
            ("description", "first"),
            ("phone", "+15555550123"),
            ("address[line1]", "1 Main St"),
            ("address[country]", "US"),
            ("shipping[name]", "Jenny"),
            ("shipping[address][city]", "Springfield"),
            ("balance", "-500"),
            ("invoice_prefix", "JENNY"),
            ("invoice_settings[footer]", "Thanks"),
            ("invoice_settings[custom_fields][0][name]", "PO"),
            ("invoice_settings[custom_fields][0][value]", "7"),
            ("invoice_settings[rendering_options][amount_tax_display]", "exclude_tax"),
            ("next_invoice_sequence", "5"),
            ("preferred_locales[]", "de"),
            ("preferred_locales[]", "en"),
            ("tax_exempt", "exempt"),
            ("metadata[order]", "42"),
        ],
    );
    let body = &made.body;
    assert_eq!(body["object"], "customer");
    assert_eq!(body["email"], "jenny@example.com");
    assert_eq!(body["address"]["line1"], "1 Main St");
    assert_eq!(body["address"]["line2"], json!(null));
    assert_eq!(body["shipping"]["address"]["city"], "Springfield");
    assert_eq!(body["balance"], -500);
    assert_eq!(body["invoice_prefix"], "JENNY");
    assert_eq!(body["invoice_settings"]["custom_fields"], json!([{"name": "PO", "value": "7"}]));
    assert_eq!(
        body["invoice_settings"]["rendering_options"],
        json!({"amount_tax_display": "exclude_tax", "template": null})
    );
    assert_eq!(body["next_invoice_sequence"], 5);
    assert_eq!(body["preferred_locales"], json!(["de", "en"]));
    assert_eq!(body["tax_exempt"], "exempt");
    assert_eq!(body["metadata"], json!({"order": "42"}));
    assert_eq!(body.get("sources"), None);
    assert_eq!(api.get(&format!("/v1/customers/{}", made.id())).ok().body, *body);
    assert_eq!(api.event_types(), ["customer.created"]);
    assert_eq!(event(&api, "customer.created")["object"], *body);
}

#[test]
fn a_customer_of_whom_nothing_is_known_has_defaults() {
    let api = Api::new();
    let made = customer(&api, &[]);
    let prefix = made.text_at("/invoice_prefix");
    assert_eq!(prefix.len(), 8);
    assert!(prefix.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_lowercase()));
    assert_eq!(made.body["next_invoice_sequence"], 1);
    assert_eq!(made.body["tax_exempt"], "none");
    assert_eq!(made.body["email"], json!(null));
    assert_eq!(made.body["shipping"], json!(null));
    assert_eq!(made.body["preferred_locales"], json!([]));
    assert_eq!(made.body["invoice_settings"]["default_payment_method"], json!(null));
}

#[test]
fn an_update_changes_what_it_names_and_tells_the_old_values() {
    let api = Api::new();
    let form = [
        ("email", "a@example.com"),
        ("name", "A"),
        ("metadata[a]", "1"),
        ("metadata[b]", "2"),
        ("address[line1]", "1 Main St"),
    ];
    let made = customer(&api, &form);
    let path = format!("/v1/customers/{}", made.id());
    let changed = api
        .post(&path, &[("email", ""), ("metadata[a]", ""), ("metadata[c]", "3"), ("phone", "1")])
        .ok();
    assert_eq!(changed.body["email"], json!(null));
    assert_eq!(changed.body["name"], "A");
    assert_eq!(changed.body["metadata"], json!({"b": "2", "c": "3"}));
    assert_eq!(
        event(&api, "customer.updated")["previous_attributes"],
        json!({"email": "a@example.com", "phone": null, "metadata": {"a": "1", "c": null}})
    );
    let cleared = api.post(&path, &[("metadata", ""), ("address", "")]).ok();
    assert_eq!(cleared.body["metadata"], json!({}));
    assert_eq!(cleared.body["address"], json!(null));
    assert_eq!(count(&api, "SELECT * FROM metadata_entries"), 0);
    assert_eq!(api.event_types().len(), 3);
}

#[test]
fn an_update_that_changes_nothing_is_no_news() {
    let api = Api::new();
    let made = customer(&api, &[("name", "A")]);
    let path = format!("/v1/customers/{}", made.id());
    assert_eq!(api.post(&path, &[("name", "A")]).ok().body, made.body);
    assert_eq!(api.event_types(), ["customer.created"]);
}

#[test]
fn a_deleted_customer_leaves_only_its_id() {
    let api = Api::new();
    let made = customer(
        &api,
        &[("email", "a@example.com"), ("metadata[a]", "1"), ("payment_method", "pm_card_visa")],
    );
    let card = api.get(&format!("/v1/customers/{}/payment_methods", made.id())).ok();
    let card = card.text_at("/data/0/id").to_owned();
    let path = format!("/v1/customers/{}", made.id());
    let left = json!({"id": made.id(), "object": "customer", "deleted": true});
    assert_eq!(api.delete(&path).ok().body, left);
    assert_eq!(api.get(&path).ok().body, left);
    // Whoever did not hear the answer asks again.
    assert_eq!(api.delete(&path).ok().body, left);
    let refused = api.post(&path, &[("name", "B")]);
    assert_eq!(refused.error(404)["code"], "resource_missing");
    assert_eq!(refused.error(404)["param"], "id");
    assert_eq!(api.get(&format!("{path}/payment_methods")).status, 404);
    let card = api.get(&format!("/v1/payment_methods/{card}")).ok();
    assert_eq!(card.body["customer"], json!(null));
    assert_eq!(
        api.event_types(),
        ["customer.created", "payment_method.attached", "customer.deleted"]
    );
    assert_eq!(event(&api, "customer.deleted")["object"]["email"], "a@example.com");
    assert_eq!(count(&api, "SELECT * FROM metadata_entries"), 0);
    assert_eq!(count(&api, "SELECT * FROM customers WHERE email IS NOT NULL"), 0);
    assert_eq!(api.get("/v1/customers").ok().body["data"], json!([]));
    let attach = format!("/v1/payment_methods/{}/attach", "pm_card_visa");
    assert_eq!(api.post(&attach, &[("customer", made.id())]).error(400)["param"], "customer");
}

#[test]
fn customers_are_listed_by_address_for_mail_and_by_time() {
    let api = Api::new();
    let first = customer(&api, &[("email", "a@example.com")]);
    api.platform.advance(10);
    let second = customer(&api, &[("email", "b@example.com")]);
    let third = customer(&api, &[("email", "a@example.com")]);
    let ids = |path: &str| -> Vec<String> {
        let page = api.get(path).ok();
        let data = page.body["data"].as_array().expect("a list").clone();
        data.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids("/v1/customers"), [third.id(), second.id(), first.id()]);
    assert_eq!(ids("/v1/customers?email=a%40example.com"), [third.id(), first.id()]);
    assert_eq!(ids("/v1/customers?email=A%40example.com"), Vec::<String>::new());
    let since = kit::START.seconds() + 10;
    assert_eq!(ids(&format!("/v1/customers?created[gte]={since}")), [third.id(), second.id()]);
    assert_eq!(ids(&format!("/v1/customers?created[lt]={since}")), [first.id()]);
    let page = api.get("/v1/customers?limit=1").ok();
    assert_eq!(
        (&page.body["has_more"], &page.body["url"]),
        (&json!(true), &json!("/v1/customers"))
    );
    assert_eq!(
        ids(&format!("/v1/customers?starting_after={}", third.id())),
        [second.id(), first.id()]
    );
}

#[test]
fn a_customer_brings_a_card_along() {
    let api = Api::new();
    let form = [
        ("payment_method", "pm_card_visa"),
        ("invoice_settings[default_payment_method]", "pm_card_visa"),
    ];
    let made = customer(&api, &form);
    let card = made.text_at("/invoice_settings/default_payment_method").to_owned();
    let listed = api.get(&format!("/v1/customers/{}/payment_methods?type=card", made.id())).ok();
    assert_eq!(listed.body["data"][0]["id"], card.as_str());
    assert_eq!(listed.body["data"][0]["customer"], made.id());
    assert_eq!(listed.body["url"], format!("/v1/customers/{}/payment_methods", made.id()));
    let path = format!("/v1/customers/{}/payment_methods/{card}", made.id());
    assert_eq!(api.get(&path).ok().body, listed.body["data"][0]);
    let other = customer(&api, &[]);
    let path = format!("/v1/customers/{}/payment_methods/{card}", other.id());
    assert_eq!(api.get(&path).error(404)["param"], "payment_method");
    let path = format!("/v1/customers/cus_missing/payment_methods/{card}");
    assert_eq!(api.get(&path).error(404)["message"], "No such customer: 'cus_missing'");
    let path = format!("/v1/customers/{}/payment_methods?type=sepa_debit", made.id());
    assert_eq!(api.get(&path).ok().body["data"], json!([]));
    assert_eq!(api.get("/v1/payment_methods?type=nope").error(400)["param"], "type");
}

#[test]
fn a_refused_card_makes_no_customer() {
    let api = Api::new();
    for form in [("payment_method", "pm_card_chargeDeclined"), ("source", "tok_chargeDeclined")] {
        let refused = api.post("/v1/customers", &[form]);
        assert_eq!(refused.error(402)["code"], "card_declined");
    }
    assert_eq!(count(&api, "SELECT * FROM customers"), 0);
    assert_eq!(api.event_types(), Vec::<String>::new());
}

#[test]
fn a_default_has_to_be_kept() {
    let api = Api::new();
    let loose = api.post("/v1/payment_methods", &[("type", "card"), ("card[token]", "tok_visa")]);
    let loose = loose.ok().id().to_owned();
    let param = "invoice_settings[default_payment_method]";
    let refused = api.post("/v1/customers", &[(param, &loose)]);
    assert_eq!(refused.error(400)["param"], param);
    let made = customer(&api, &[]);
    let path = format!("/v1/customers/{}", made.id());
    let refused = api.post(&path, &[(param, &loose)]);
    assert_eq!(
        refused.error(400)["message"],
        format!(
            "The customer does not have a payment method with the ID {loose}. The payment method \
             must be attached to the customer."
        )
    );
    api.post(&format!("/v1/payment_methods/{loose}/attach"), &[("customer", made.id())]).ok();
    let changed = api.post(&path, &[(param, &loose)]).ok();
    assert_eq!(changed.text_at("/invoice_settings/default_payment_method"), loose);
    assert_eq!(
        event(&api, "customer.updated")["previous_attributes"],
        json!({"invoice_settings": {"default_payment_method": null}})
    );
}

#[test]
fn a_source_is_the_default_and_takes_the_place_of_the_one_before() {
    let api = Api::new();
    let made = customer(&api, &[("source", "tok_visa")]);
    let first = made.text_at("/default_source").to_owned();
    let path = format!("/v1/customers/{}", made.id());
    let shown = api.get(&format!("{path}?expand[]=sources&expand[]=default_source")).ok();
    assert_eq!(shown.body["sources"]["data"][0]["id"], first.as_str());
    assert_eq!(shown.body["sources"]["data"][0]["object"], "card");
    assert_eq!(shown.body["sources"]["data"][0]["brand"], "Visa");
    assert_eq!(shown.body["sources"]["url"], format!("{path}/sources"));
    assert_eq!(shown.body["default_source"], shown.body["sources"]["data"][0]);
    let changed = api.post(&path, &[("source", "tok_mastercard")]).ok();
    let second = changed.text_at("/default_source");
    assert_ne!(second, first);
    let old = api.get(&format!("/v1/payment_methods/{first}")).ok();
    assert_eq!(old.body["customer"], json!(null));
    assert_eq!(
        api.event_types(),
        [
            "customer.created",
            "payment_method.attached",
            "payment_method.attached",
            "payment_method.detached",
            "customer.updated"
        ]
    );
    let wrong = api.post(&path, &[("source", second)]);
    assert_eq!(wrong.error(400)["param"], "source");
    assert_eq!(api.post(&path, &[("source", "tok_missing")]).error(400)["param"], "source");
}

#[test]
fn a_customers_lists_are_shown_when_asked_for() {
    let api = Api::new();
    let made = customer(&api, &[]);
    let shown = api.get("/v1/customers?expand[]=data.tax_ids&expand[]=data.subscriptions").ok();
    for name in ["tax_ids", "subscriptions"] {
        assert_eq!(
            shown.body["data"][0][name],
            json!({
                "object": "list",
                "data": [],
                "has_more": false,
                "url": format!("/v1/customers/{}/{name}", made.id()),
            })
        );
    }
    let refused = api.get("/v1/customers?expand[]=sources");
    assert_eq!(
        refused.error(400)["message"],
        "This property cannot be expanded (sources). You may want to try expanding 'data.sources' \
         instead."
    );
}

#[test]
fn wrong_parameters_are_named_and_leave_no_trace() {
    let api = Api::new();
    let long = "a".repeat(257);
    for (form, param) in [
        (("email", "nope"), "email"),
        (("name", long.as_str()), "name"),
        (("phone", "123456789012345678901"), "phone"),
        (("balance", "100000000"), "balance"),
        (("balance", "1.5"), "balance"),
        (("next_invoice_sequence", "0"), "next_invoice_sequence"),
        (("invoice_prefix", "ab"), "invoice_prefix"),
        (("tax_exempt", "maybe"), "tax_exempt"),
        (("shipping[name]", "A"), "shipping[address]"),
        (("invoice_settings[nope]", "1"), "invoice_settings[nope]"),
        (("nope", "1"), "nope"),
        (("payment_method", "tok_visa"), "payment_method"),
        (("payment_method", "pm_missing"), "payment_method"),
    ] {
        let refused = api.post("/v1/customers", &[form]);
        assert_eq!(refused.error(400)["param"], param, "{form:?}");
    }
    assert_eq!(api.get("/v1/customers/cus_missing").error(404)["param"], "id");
    assert_eq!(api.delete("/v1/customers/cus_missing").status, 404);
    assert_eq!(count(&api, "SELECT * FROM customers"), 0);
}

#[test]
fn another_account_sees_nothing_of_a_customer() {
    let api = Api::new();
    let made = customer(&api, &[("payment_method", "pm_card_visa")]);
    let stranger = api.platform.merchant("other");
    let path = format!("/v1/customers/{}", made.id());
    for (method, path) in [
        (http::Method::GET, path.clone()),
        (http::Method::POST, path.clone()),
        (http::Method::DELETE, path.clone()),
        (http::Method::GET, format!("{path}/payment_methods")),
    ] {
        let body = b"name=B".to_vec();
        let body = if method == http::Method::POST { body } else { Vec::new() };
        let answer = kit::run(api.send(method, &path, body, &stranger.secret_key, None));
        assert_eq!(answer.error(404)["code"], "resource_missing");
    }
    assert_eq!(api.get(&path).ok().body, made.body);
}
