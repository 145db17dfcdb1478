//! Searches: what they find is what a plain look at every object finds, in pages of every size.

use api::Api;
use domain::charge::{self, Charge};
use domain::customer::{self, Customer};
use domain::id::{Id, IdSource};
use domain::money::{Amount, Currency, Money};
use domain::payment_intent::{self, PaymentIntent, State};
use domain::timestamp::Timestamp;
use domain::{Metadata, card};
use form_urlencoded::Serializer;
use kit::START;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use store::{Statement, charges, customers, metadata_entries, payment_intents, values};

/// How many objects each model holds.
const OBJECTS: u64 = 60;

/// A clause, and whether an object matches it.
type Case<T> = (&'static str, fn(&T) -> bool);

fn search(api: &Api, resource: &str, query: &str, more: &[(&str, &str)]) -> api::Answer {
    let mut text = Serializer::new(String::new());
    text.append_pair("query", query).extend_pairs(more);
    api.get(&format!("/v1/{resource}/search?{}", text.finish()))
}

/// The ids of every page.
fn found(api: &Api, resource: &str, query: &str, limit: u64) -> Vec<String> {
    let limit = limit.to_string();
    let mut ids = Vec::new();
    let mut page = None;
    loop {
        let mut more = vec![("limit", limit.as_str())];
        more.extend(page.as_deref().map(|page| ("page", page)));
        let answer = search(api, resource, query, &more).ok().body;
        let data = answer["data"].as_array().expect("data").clone();
        assert!(data.len() <= limit.parse().expect("a number"));
        ids.extend(data.iter().map(|object| object["id"].as_str().expect("an id").to_owned()));
        assert_eq!(answer["has_more"], json!(answer["next_page"].is_string()));
        match answer["next_page"].as_str() {
            Some(next) => page = Some(next.to_owned()),
            None => return ids,
        }
    }
}

/// Random queries over a model find what a plain filter finds, newest first.
fn compare<T: Clone + 'static>(
    resource: &str,
    cases: &[Case<T>],
    objects: &[(String, i64, T)],
    statements: Vec<Statement>,
) {
    let api = Api::new();
    for batch in statements.chunks(90) {
        kit::run(store::Database::batch(api.platform.database(), batch.to_vec())).expect("rows");
    }
    // Rows of one second are in the order in which they were written.
    let mut newest_first: Vec<_> = objects.iter().enumerate().collect();
    newest_first.sort_by_key(|(place, (_, created, _))| std::cmp::Reverse((*created, *place)));
    let clause = (prop::sample::select(cases.to_vec()), any::<bool>());
    let strategy = (
        prop::collection::vec(clause, 1..5),
        any::<bool>(),
        prop::sample::select(vec![3, 10, 100]),
    );
    // Each case sends some ten requests.
    let default = ProptestConfig::default();
    let config = ProptestConfig { cases: default.cases / 4, failure_persistence: None, ..default };
    let ran = TestRunner::new(config).run(&strategy, |(clauses, any, limit)| {
        let texts: Vec<_> = clauses
            .iter()
            .map(|((text, _), negated)| format!("{}{text}", if *negated { "-" } else { "" }))
            .collect();
        let query = texts.join(if any { " OR " } else { " AND " });
        let wanted: Vec<_> = newest_first
            .iter()
            .filter(|(_, (_, _, object))| {
                let mut holds = clauses.iter().map(|((_, of), negated)| of(object) != *negated);
                if any { holds.any(|holds| holds) } else { holds.all(|holds| holds) }
            })
            .map(|(_, (id, ..))| id.clone())
            .collect();
        let more = [("expand[]", "total_count"), ("limit", "1")];
        let counted = search(&api, resource, &query, &more).ok().body;
        prop_assert_eq!(&counted["total_count"], &json!(wanted.len()), "{}", query);
        prop_assert_eq!(found(&api, resource, &query, limit), wanted, "{}", query);
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(api.platform.database().unregistered(), Vec::<String>::new());
}

/// One of a few values, at random but the same in every run.
fn pick<T: Copy>(ids: &IdSource, place: &str, values: &[T]) -> T {
    let sum =
        ids.secret(place).bytes().fold(0, |sum: usize, byte| sum * 31 % 9_973 + usize::from(byte));
    values[sum % values.len()]
}

fn metadata(ids: &IdSource) -> Metadata {
    let pairs = ["{}", r#"{"order":"A1"}"#, r#"{"order":"a1","Plan":"Größe"}"#, r#"{"plan":"x"}"#];
    serde_json::from_str(pick(ids, "metadata", &pairs)).expect("metadata")
}

fn created(ids: &IdSource) -> Timestamp {
    START.plus(pick(ids, "created", &[0, 1, 2, 3, 4, 5]))
}

fn money(ids: &IdSource) -> Money {
    Money {
        amount: Amount::new(pick(ids, "amount", &[50, 100, 1000, 1001])).expect("an amount"),
        currency: Currency::parse(pick(ids, "currency", &["usd", "eur"])).expect("a currency"),
    }
}

fn customer_id(ids: &IdSource) -> Option<domain::id::CustomerId> {
    let id = pick(ids, "customer", &[None, Some("cus_A"), Some("cus_a"), Some("cus_B")]);
    id.map(|id| Id::parse(id).expect("an id"))
}

fn has(metadata: &Metadata, key: &str, value: &str) -> bool {
    metadata.iter().any(|(known, held)| known == key && held.to_lowercase() == value.to_lowercase())
}

fn has_key(metadata: &Metadata, key: &str) -> bool {
    metadata.iter().any(|(known, _)| known == key)
}

fn an_intent(ids: &IdSource) -> PaymentIntent {
    let amount = money(ids);
    let state = match pick(ids, "state", &[0, 1, 2]) {
        0 => State::Succeeded,
        1 => State::RequiresPaymentMethod,
        _ => State::Canceled { at: START, reason: None },
    };
    PaymentIntent {
        id: ids.derive("payment_intent"),
        livemode: false,
        created: created(ids),
        version: 1,
        amount,
        received: Amount::ZERO,
        state,
        customer: customer_id(ids),
        payment_method: None,
        latest_charge: None,
        pending_operation: None,
        details: payment_intent::Details { metadata: metadata(ids), ..Default::default() },
    }
}

const INTENTS: &[Case<PaymentIntent>] = &[
    ("status:'Succeeded'", |i| i.state == State::Succeeded),
    ("status:\"requires_payment_method\"", |i| i.state == State::RequiresPaymentMethod),
    ("status:'nonsense'", |_| false),
    ("customer:'cus_A'", |i| i.customer.as_ref().is_some_and(|c| c.as_str() == "cus_A")),
    ("customer:null", |i| i.customer.is_none()),
    ("amount:1000", |i| i.amount.amount.minor_units() == 1000),
    ("amount>100", |i| i.amount.amount.minor_units() > 100),
    ("amount<=\"100\"", |i| i.amount.amount.minor_units() <= 100),
    ("amount:9223372036854775807", |_| false),
    ("currency:'USD'", |i| i.amount.currency.code() == "usd"),
    ("created>=1767225602", |i| i.created.seconds() >= 1_767_225_602),
    ("created<1767225604", |i| i.created.seconds() < 1_767_225_604),
    ("created:1767225603", |i| i.created.seconds() == 1_767_225_603),
    ("metadata['order']:'a1'", |i| has(&i.details.metadata, "order", "a1")),
    ("metadata['Plan']:'GRÖSSE'", |i| has(&i.details.metadata, "Plan", "grösse")),
    ("metadata['Plan']:'GRÖßE'", |i| has(&i.details.metadata, "Plan", "größe")),
    ("metadata['plan']:null", |i| !has_key(&i.details.metadata, "plan")),
];

#[test]
fn intents_are_found_as_by_a_plain_look() {
    let scope = Api::new().merchant.scope();
    let mut statements = Vec::new();
    let mut objects = Vec::new();
    for number in 0..OBJECTS {
        let intent = an_intent(&IdSource::new(&number.to_be_bytes()));
        statements.push(payment_intents::insert(&scope, &intent));
        statements.extend(metadata_entries::replace(
            &scope,
            payment_intents::owner(&intent),
            &Metadata::default(),
            &intent.details.metadata,
        ));
        objects.push((intent.id.to_string(), intent.created.seconds(), intent));
    }
    compare("payment_intents", INTENTS, &objects, statements);
}

fn a_customer(ids: &IdSource) -> Customer {
    let emails = [None, Some("Amy@Example.com"), Some("amy@example.com"), Some("bob@x.org")];
    let names = [None, Some("Amy  Lee Smith"), Some("amy lee"), Some("Ämy")];
    let text = |text: &str| text.to_owned();
    Customer {
        id: ids.derive("customer"),
        livemode: false,
        created: created(ids),
        version: 1,
        deleted: false,
        email: pick(ids, "email", &emails).map(text),
        details: customer::Details {
            name: pick(ids, "name", &names).map(text),
            phone: pick(ids, "phone", &[None, Some("+1 999")]).map(text),
            metadata: metadata(ids),
            ..Default::default()
        },
    }
}

fn email(customer: &Customer) -> String {
    customer.email.as_deref().unwrap_or_default().to_lowercase()
}

fn name(customer: &Customer) -> String {
    customer.details.name.as_deref().unwrap_or_default().to_lowercase()
}

const CUSTOMERS: &[Case<Customer>] = &[
    ("email:'AMY@example.com'", |c| email(c) == "amy@example.com"),
    ("email:'amy'", |_| false),
    ("email~'amy'", |c| email(c).contains("amy")),
    ("email:null", |c| c.email.is_none()),
    ("name:'Amy Lee'", |c| name(c).starts_with("amy") && name(c).contains("lee")),
    ("name~'ÄMY'", |c| name(c).contains("ämy")),
    ("phone:'+1 999'", |c| c.details.phone.is_some()),
    ("created>1767225602", |c| c.created.seconds() > 1_767_225_602),
    ("metadata['order']:'A1'", |c| has(&c.details.metadata, "order", "a1")),
];

#[test]
fn customers_are_found_as_by_a_plain_look() {
    let scope = Api::new().merchant.scope();
    let mut statements = Vec::new();
    let mut objects = Vec::new();
    for number in 0..OBJECTS {
        let mut customer = a_customer(&IdSource::new(&number.to_be_bytes()));
        statements.push(customers::insert(&scope, &customer));
        let owner = metadata_entries::Owner {
            resource: "customer",
            object: customer.id.as_str(),
            created: customer.created,
        };
        let pairs = customer.details.metadata.clone();
        statements.extend(metadata_entries::replace(&scope, owner, &Metadata::default(), &pairs));
        if number % 10 == 0 {
            statements.extend(metadata_entries::replace(
                &scope,
                owner,
                &pairs,
                &Metadata::default(),
            ));
            customer.deleted = true;
            statements.extend(customers::update(&mut customer));
        } else {
            objects.push((customer.id.to_string(), customer.created.seconds(), customer));
        }
    }
    compare("customers", CUSTOMERS, &objects, statements);
}

fn a_charge(ids: &IdSource) -> Charge {
    let amount = money(ids);
    let refunded = pick(ids, "refunded", &[0, 0, 10, amount.amount.minor_units()]);
    let visa = card::Card {
        brand: pick(ids, "brand", &[card::Brand::Visa, card::Brand::Amex]),
        country: None,
        exp_month: pick(ids, "month", &[1, 12]),
        exp_year: 2030,
        fingerprint: "Fp1".to_owned(),
        funding: card::Funding::Credit,
        last4: pick(ids, "last4", &["4242", "0005"]).to_owned(),
        checks: card::Checks::default(),
    };
    Charge {
        id: ids.derive("charge"),
        livemode: false,
        created: created(ids),
        version: 1,
        amount,
        captured: amount.amount,
        released: Amount::ZERO,
        refunded: Amount::new(refunded).expect("an amount"),
        status: charge::Status::Succeeded,
        disputed: pick(ids, "disputed", &[true, false]),
        payment_intent: None,
        customer: customer_id(ids),
        payment_method: None,
        details: charge::Details {
            card: pick(ids, "card", &[true, true, false]).then_some(visa),
            metadata: metadata(ids),
            ..Default::default()
        },
    }
}

fn of_card(charge: &Charge, holds: impl Fn(&card::Card) -> bool) -> bool {
    charge.details.card.as_ref().is_some_and(holds)
}

const CHARGES: &[Case<Charge>] = &[
    ("customer:'cus_a'", |c| c.customer.as_ref().is_some_and(|c| c.as_str() == "cus_a")),
    ("disputed:'true'", |c| c.disputed),
    ("refunded:'true'", |c| c.refunded == c.amount.amount),
    ("refunded:'false'", |c| !c.refunded.is_zero() && c.refunded < c.amount.amount),
    ("refunded:null", |c| c.refunded.is_zero()),
    ("payment_method_details.card.last4:4242", |c| of_card(c, |card| card.last4 == "4242")),
    ("payment_method_details.card.last4:0005", |c| of_card(c, |card| card.last4 == "0005")),
    ("payment_method_details.card.brand:'VISA'", |c| {
        of_card(c, |card| card.brand == card::Brand::Visa)
    }),
    ("payment_method_details.card.exp_month:12", |c| of_card(c, |card| card.exp_month == 12)),
    ("payment_method_details.card.fingerprint:null", |c| c.details.card.is_none()),
    ("metadata['order']:'A1'", |c| has(&c.details.metadata, "order", "a1")),
    ("created<=1767225602", |c| c.created.seconds() <= 1_767_225_602),
];

#[test]
fn charges_are_found_as_by_a_plain_look() {
    let scope = Api::new().merchant.scope();
    let mut statements = Vec::new();
    let mut objects = Vec::new();
    for number in 0..OBJECTS {
        let charge = a_charge(&IdSource::new(&number.to_be_bytes()));
        statements.push(charges::insert(&scope, &charge));
        statements.extend(metadata_entries::replace(
            &scope,
            charges::owner(&charge),
            &Metadata::default(),
            &charge.details.metadata,
        ));
        objects.push((charge.id.to_string(), charge.created.seconds(), charge));
    }
    compare("charges", CHARGES, &objects, statements);
}

#[test]
fn a_payment_and_its_charge_are_found_by_their_metadata() {
    let api = Api::new();
    let intent = api
        .post(
            "/v1/payment_intents",
            &[
                ("amount", "2000"),
                ("currency", "usd"),
                ("payment_method", "pm_card_visa"),
                ("confirm", "true"),
                ("return_url", "https://shop.test"),
                ("metadata[Order]", "Nº 7"),
            ],
        )
        .ok();
    let charge = intent.text_at("/latest_charge").to_owned();
    let query = "metadata['Order']:'nº 7'";
    assert_eq!(found(&api, "payment_intents", query, 10), [intent.id()]);
    assert_eq!(found(&api, "charges", query, 10), [charge.as_str()]);
    api.post(&format!("/v1/charges/{charge}"), &[("metadata[Order]", "8")]).ok();
    assert_eq!(found(&api, "charges", query, 10), Vec::<String>::new());
    assert_eq!(found(&api, "charges", "metadata['Order']:'8'", 10), [charge]);
    assert_eq!(found(&api, "payment_intents", query, 10), [intent.id()]);
    // Nobody else finds it.
    let other = api.platform.merchant("other");
    let path = "/v1/payment_intents/search?query=status:'succeeded'";
    let send = api.send(http::Method::GET, path, Vec::new(), &other.secret_key, None);
    assert_eq!(kit::run(send).ok().body["data"], json!([]));
}

/// Inserts intents of one status, one second apart, the oldest in yen and the newest in euros.
fn fill(api: &Api, count: i64) {
    let details = serde_json::to_string(&payment_intent::Details::default()).expect("JSON");
    api.platform.database().query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?3) \
         INSERT INTO payment_intents (id, account, livemode, created, version, amount, currency, \
         capturable, received, status, customer, details) \
         SELECT 'pi_' || i, ?1, 0, ?2 + i, 1, 1000, iif(i = 1, 'jpy', iif(i = ?3, 'eur', 'usd')), 0, 0, 'succeeded', \
         'cus_1', ?4 FROM n",
        values![api.merchant.account.as_str(), START.seconds(), count, details],
    );
}

#[test]
fn a_sparse_search_stops_and_goes_on_where_it_stopped() {
    let api = Api::new();
    fill(&api, 10_500);
    let read = |query: &str, more: &[(&str, &str)]| {
        let body = search(&api, "payment_intents", query, more).ok().body;
        let data = body["data"].as_array().expect("data");
        let ids: Vec<_> = data.iter().map(|object| object["id"].clone()).collect();
        (ids, body["next_page"].as_str().map(str::to_owned))
    };
    // While it has found nothing it reads 10,000 rows, and otherwise 2,000.
    let (first, next) = read("currency:'jpy'", &[]);
    assert_eq!(first, Vec::<Value>::new());
    let second = read("currency:'jpy'", &[("page", &next.expect("another page"))]);
    assert_eq!(second, (vec![json!("pi_1")], None));
    let (first, next) = read("-currency:'usd'", &[]);
    assert_eq!(first, [json!("pi_10500")]);
    assert!(next.is_some());
    assert_eq!(found(&api, "payment_intents", "-currency:'usd'", 10), ["pi_10500", "pi_1"]);
    // A count without an index is one of the newest rows.
    let count = |query: &str| {
        let answer = search(&api, "payment_intents", query, &[("expand[]", "total_count")]);
        answer.ok().body["total_count"].clone()
    };
    assert_eq!(count("-currency:'usd'"), json!(1));
    assert_eq!(count("status:'succeeded'"), json!(10_000));
    assert_eq!(count("status:'canceled'"), json!(0));
}

#[test]
fn an_indexed_search_is_one_statement_whatever_there_is() {
    let searches = ["status:'succeeded'", "amount:1000", "customer:'cus_1'", "created>0"];
    for query in searches {
        let cost = |count: i64| {
            let api = Api::new();
            fill(&api, count);
            search(&api, "payment_intents", query, &[]).ok();
            api.platform.database().take_counts();
            let answer = search(&api, "payment_intents", query, &[]).ok().body;
            assert_eq!(answer["data"].as_array().map(Vec::len), Some(10));
            api.platform.database().take_counts()
        };
        let (few, many) = (cost(1_000), cost(5_000));
        assert_eq!(few, many, "{query}");
        assert_eq!(many.statements, 1, "{query}");
    }
}

#[test]
fn a_page_belongs_to_its_search() {
    let api = Api::new();
    fill(&api, 30);
    let query = "status:'succeeded'";
    let first = search(&api, "payment_intents", query, &[]).ok().body;
    let page = first["next_page"].as_str().expect("another page").to_owned();
    let wrong = |resource: &str, query: &str, page: &str| {
        let answer = search(&api, resource, query, &[("page", page)]);
        let error = answer.error(400);
        assert_eq!(error["param"], "page", "{page}");
        assert_eq!(error["message"], "Invalid page token.");
    };
    wrong("payment_intents", "status:'canceled'", &page);
    wrong("charges", query, &page);
    for broken in ["x", "1767225600:7", &page[1..], &format!("{page}A")] {
        wrong("payment_intents", query, broken);
    }
    // The same query in other words is the same search.
    let again = [("page", page.as_str()), ("limit", "100")];
    let rest = search(&api, "payment_intents", " status: \"SUCCEEDED\" ", &again).ok().body;
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(20));
    assert_eq!(rest["total_count"], Value::Null);
}

#[test]
fn what_is_no_search_is_refused() {
    let api = Api::new();
    let error = |path: &str| api.get(path).error(400).clone();
    let missing = error("/v1/customers/search");
    assert_eq!(missing["message"], "Missing required param: query.");
    let unknown = error("/v1/customers/search?query=amount:5");
    assert_eq!(unknown["param"], "query");
    assert_eq!(
        unknown["message"],
        "Field `amount` is an unsupported search field for resource `customers`. See \
         http://stripe.com/docs/search#query-fields-for-customers for a list of supported fields."
    );
    assert_eq!(error("/v1/charges/search?query=amount:5&limit=x")["param"], "limit");
    let shape = api.get("/v1/charges/search?query=amount:5&limit=0").ok().body;
    assert_eq!(
        shape,
        json!({
            "object": "search_result",
            "data": [],
            "has_more": false,
            "next_page": null,
            "url": "/v1/charges/search",
        })
    );
}
