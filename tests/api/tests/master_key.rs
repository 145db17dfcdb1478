//! Rotating the master key: nothing that merchants and customers see changes, and everything that is sealed is sealed
//! anew, however the sweep dies and whatever changes meanwhile.

use std::collections::BTreeMap;

use api::hearing::{SECRET, delivering, now};
use api::processors::{PAY, VISA, card, connected};
use api::{Answer, Api, Form, cases, invariants};
use flows::master_key::SETTLES;
use http::Request;
use kit::{MASTER_KEY as OLD, Processor};
use serde_json::{Value, json};
use store::resealing::COUNT;
use store::values;

const NEW: &str = "/wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// More polls than a beat of a sweep has.
const MOST_POLLS: u32 = 400;

/// A deployment with everything that is sealed: a card that a customer keeps, a token, an account at a processor that
/// is heard under a secret, and an endpoint.
struct Deployment {
    api: Api,
    processor: Processor,
    customer: String,
    method: String,
    token: String,
    account: String,
    endpoint_secret: String,
}

impl Deployment {
    fn new() -> Self {
        let (api, processor) = connected();
        let customer = api.post("/v1/customers", &[]).ok().id().to_owned();
        let paid = api.post(PAY, &card(VISA, &[("setup_future_usage", "off_session")])).ok();
        let method = paid.text_at("/payment_method").to_owned();
        let keep = [("customer", customer.as_str())];
        let kept = api.post(&format!("/v1/payment_methods/{method}/attach"), &keep);
        let method = if kept.status == 200 { method } else { keep_card(&api, &customer) };
        let token = token(&api);
        let account = api.get("/v1/florin/connector_accounts").ok().id_of_first();
        let account = format!("/v1/florin/connector_accounts/{account}");
        api.post(&account, &[("webhook_secret", SECRET)]).ok();
        let hook = [("url", "https://shop.test/hooks"), ("enabled_events[]", "customer.created")];
        let endpoint = api.post("/v1/webhook_endpoints", &hook).ok();
        let endpoint_secret = endpoint.text_at("/secret").to_owned();
        api.platform.advance(6);
        Self { api, processor, customer, method, token, account, endpoint_secret }
    }

    /// Everything that is sealed opens: it pays, believes its processor, and signs.
    fn works(&mut self) {
        let pay = [
            ("amount", "2000"),
            ("currency", "usd"),
            ("confirm", "true"),
            ("customer", &self.customer),
            ("payment_method", &self.method),
            ("payment_method_types[]", "card"),
        ];
        assert_eq!(self.api.post(PAY, &pay).ok().body["status"], "succeeded");
        self.api.post("/v1/payment_methods", &card_of_token(&self.token)).ok();
        self.token = token(&self.api);
        let path =
            self.account.replace("/v1/florin/connector_accounts/", "/connectors/stripe/webhooks/");
        let body = Processor::notice("evt_payout", "payout.paid", &json!({"id": "po_1"}));
        assert_eq!(kit::run(delivering(&self.api, &path, &body)), 200);
        self.api.post("/v1/customers", &[]).ok();
        self.api.beat();
        self.api.deliver();
        let sent = self.api.platform.outside().take_requests();
        let delivery = sent.last().expect("a delivery");
        let header = delivery.headers()["stripe-signature"].to_str().expect("a text");
        let secrets = [self.endpoint_secret.as_str()];
        let mine = Processor::sign(delivery.body(), &secrets, now(&self.api));
        assert_eq!(header, mine);
    }

    /// What is sealed, by the name of the key that it is under.
    fn sealed_under(&self) -> BTreeMap<String, i64> {
        let rows = self.api.platform.database().query(COUNT, values![]);
        serde_json::from_str(rows[0].text("sealed_under").expect("a text")).expect("JSON")
    }

    fn progress(&self, column: &'static str) -> Value {
        self.api.platform.database().query("SELECT * FROM resealing", values![])[0].0[column]
            .clone()
    }

    /// Deploys as docs/master-key.md says.
    fn rotate(&mut self) {
        self.api.platform.deploy_keys(OLD, None, Some(NEW)).expect("keys");
        self.api.beat();
        self.api.platform.deploy_keys(NEW, Some(OLD), None).expect("keys");
    }

    /// Lets the heartbeat beat until nothing is left to seal again.
    fn sweep(&self) {
        for _ in 0..20 {
            self.api.beat();
            self.api.platform.advance(SETTLES / 2);
        }
        assert_ne!(self.progress("completed_at"), Value::Null);
    }
}

fn keep_card(api: &Api, customer: &str) -> String {
    let form = [
        ("type", "card"),
        ("card[number]", VISA),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "2034"),
    ];
    let made = api.post("/v1/payment_methods", &form).ok();
    let path = format!("/v1/payment_methods/{}/attach", made.id());
    api.post(&path, &[("customer", customer)]).ok().id().to_owned()
}

fn token(api: &Api) -> String {
    let form = [("card[number]", VISA), ("card[exp_month]", "12"), ("card[exp_year]", "2034")];
    api.post("/v1/tokens", &form).ok().id().to_owned()
}

fn card_of_token(token: &str) -> [(&'static str, &str); 2] {
    [("type", "card"), ("card[token]", token)]
}

fn name(key: &str) -> String {
    domain::seal::MasterKey::parse(key).expect("a key").name().to_owned()
}

/// Follows a link, as a customer does who has no key.
fn follow(api: &Api, url: &str) -> Answer {
    let request = Request::builder().uri(url).body(Vec::new()).expect("a request");
    kit::run(api.answer(&request))
}

#[test]
fn a_rotation_changes_nothing_that_merchants_and_customers_see() {
    let mut deployment = Deployment::new();
    let pay: Form<'_> = &card(VISA, &[]);
    let first = deployment.api.post_once(PAY, pay, "before").ok();
    for _ in 0..11 {
        deployment.api.post("/v1/customers", &[("name", "Ada")]).ok();
    }
    let search = "/v1/customers/search?query=name%3A%22Ada%22";
    let page = deployment.api.get(search).ok();
    let page = page.text_at("/next_page");
    let page: String = form_urlencoded::byte_serialize(page.as_bytes()).collect();
    let next = format!("{search}&page={page}");
    let rest = deployment.api.get(&next).ok();
    let charge = |api: &Api, intent: &Answer| {
        api.get(&format!("/v1/charges/{}", intent.text_at("/latest_charge"))).ok()
    };
    let paid = charge(&deployment.api, &first);
    let receipt = follow(&deployment.api, paid.text_at("/receipt_url"));
    assert_eq!(receipt.status, 200);
    let fingerprint = "/payment_method_details/card/fingerprint";
    let stays = |deployment: &mut Deployment| {
        let api = &deployment.api;
        let payments = deployment.processor.payments().len();
        let again = api.post_once(PAY, pay, "before");
        assert_eq!((again.status, &again.text), (200, &first.text), "it is replayed");
        assert_eq!(deployment.processor.payments().len(), payments, "nobody paid twice");
        let other = api.post_once(PAY, &card(VISA, &[("description", "another")]), "before");
        assert_eq!(other.error(400)["type"], "idempotency_error");
        assert_eq!(follow(api, paid.text_at("/receipt_url")).text, receipt.text);
        assert_eq!(api.get(&next).ok().body, rest.body);
        let anew = api.post(PAY, pay).ok();
        assert_eq!(charge(api, &anew).text_at(fingerprint), paid.text_at(fingerprint));
        deployment.works();
    };
    stays(&mut deployment);
    deployment.api.platform.deploy_keys(OLD, None, Some(NEW)).expect("keys");
    stays(&mut deployment);
    deployment.api.platform.deploy_keys(NEW, Some(OLD), None).expect("keys");
    stays(&mut deployment);
    // An isolate that was not replaced yet opens what the others sealed.
    deployment.api.platform.deploy_keys(OLD, None, Some(NEW)).expect("keys");
    stays(&mut deployment);
    deployment.api.platform.deploy_keys(NEW, Some(OLD), None).expect("keys");
    deployment.sweep();
    stays(&mut deployment);
    deployment.api.platform.deploy_keys(NEW, None, None).expect("keys");
    stays(&mut deployment);
    assert_eq!(deployment.sealed_under().into_keys().collect::<Vec<_>>(), [name(NEW)]);
    // What the processor told is about nothing here.
    let errors = deployment.api.platform.errors();
    assert!(errors.iter().all(|error| error.problem.contains("parked")), "{errors:?}");
}

#[test]
fn a_sweep_waits_until_all_know_the_key_and_ends_with_a_pass_that_finds_nothing() {
    let mut deployment = Deployment::new();
    deployment.rotate();
    let old: i64 = deployment.sealed_under().get(&name(OLD)).copied().unwrap_or_default();
    assert!(old >= 5, "{:?}", deployment.sealed_under());
    deployment.api.beat();
    deployment.api.platform.advance(SETTLES - 1);
    deployment.api.beat();
    assert_eq!(deployment.progress("resealed"), 0, "isolates may be left that know one key");
    deployment.api.platform.advance(1);
    while deployment.sealed_under().contains_key(&name(OLD)) {
        deployment.api.beat();
        deployment.api.platform.advance(1);
    }
    assert_eq!(deployment.progress("completed_at"), Value::Null, "nobody has looked again");
    let sweep = |deployment: &Deployment| {
        deployment.api.platform.advance(SETTLES);
        for _ in 0..4 {
            deployment.api.beat();
        }
    };
    sweep(&deployment);
    assert_ne!(deployment.progress("completed_at"), Value::Null);
    assert_eq!(deployment.progress("broken"), 0);
    let completed = deployment.progress("completed_at");
    sweep(&deployment);
    assert_eq!(deployment.progress("completed_at"), completed, "it rests");
}

#[test]
fn a_sweep_that_dies_at_any_await_comes_to_the_same_end() {
    let died = (1..MOST_POLLS)
        .step_by(cases(2, 1))
        .take_while(|polls| {
            let mut deployment = Deployment::new();
            deployment.rotate();
            deployment.api.beat();
            deployment.api.platform.advance(SETTLES);
            let mut ended = true;
            for _ in 0..3 {
                ended &= deployment.api.beat_that_dies(*polls);
            }
            deployment.sweep();
            deployment.api.platform.deploy_keys(NEW, None, None).expect("keys");
            deployment.works();
            let under: Vec<_> = deployment.sealed_under().into_keys().collect();
            assert_eq!(under, [name(NEW)], "after {polls} polls");
            invariants::check(&deployment.api.platform);
            !ended
        })
        .count();
    assert!(died > cases(10, 20), "the sweep was cut short {died} times");
}

#[test]
fn what_changes_while_it_is_sealed_again_wins() {
    for seed in 0..cases(20, 200) {
        let mut deployment = Deployment::new();
        deployment.rotate();
        deployment.api.beat();
        deployment.api.platform.advance(SETTLES);
        let api = &deployment.api;
        let endpoint = api.get("/v1/webhook_endpoints").ok().id_of_first();
        let roll = format!("/v1/florin/webhook_endpoints/{endpoint}/roll");
        let changed: [(&str, Form<'_>); 2] = [
            (
                &deployment.account,
                &[("webhook_secret", "whsec_changedmeanwhile"), ("metadata[a]", "b")],
            ),
            (&roll, &[]),
        ];
        api.platform.yields(true);
        let sweep = async {
            for _ in 0..6 {
                api::beat(&api.platform).await;
            }
            None
        };
        let change = async {
            let mut answers = Vec::new();
            for (path, form) in changed {
                answers.push(api.posting(path, form, None).await);
            }
            Some(answers)
        };
        let answers = kit::interleave(seed, vec![Box::pin(sweep), Box::pin(change)]);
        api.platform.yields(false);
        let answers = answers.into_iter().flatten().next().expect("answers");
        let secret = answers[1].clone().ok().text_at("/secret").to_owned();
        answers[0].clone().ok();
        deployment.sweep();
        deployment.api.platform.deploy_keys(NEW, None, None).expect("keys");
        let shown = deployment.api.get(&deployment.account).ok();
        assert_eq!(shown.body["metadata"]["a"], "b", "seed {seed}");
        let path = deployment
            .account
            .replace("/v1/florin/connector_accounts/", "/connectors/stripe/webhooks/");
        let body = Processor::notice("evt_payout", "payout.paid", &json!({"id": "po_2"}));
        let signed = Processor::sign(&body, &["whsec_changedmeanwhile"], now(&deployment.api));
        let heard = kit::run(api::hearing::sending(&deployment.api, &path, &signed, &body));
        assert_eq!(heard.status, 200, "seed {seed}");
        deployment.endpoint_secret = secret;
        let under: Vec<_> = deployment.sealed_under().into_keys().collect();
        assert_eq!(under, [name(NEW)], "seed {seed}");
    }
}

#[test]
fn without_the_key_that_sealed_nothing_is_served() {
    let mut deployment = Deployment::new();
    deployment.rotate();
    let failure = deployment.api.platform.deploy_keys(OLD, None, None);
    assert_eq!(failure, Ok(()), "lasting keys are under the old one until they are swept");
    deployment.api.platform.deploy_keys(NEW, Some(OLD), None).expect("keys");
    deployment.sweep();
    let problem = deployment.api.platform.deploy_keys(OLD, None, None).expect_err("no key");
    assert!(problem.to_string().contains(&name(NEW)), "{problem}");
}

#[test]
fn what_no_key_opens_is_told_of_and_keeps_nothing_else_from_it() {
    let mut deployment = Deployment::new();
    deployment.rotate();
    deployment
        .api
        .platform
        .database()
        .query("UPDATE tokens SET sealed_number = '0123456789ab.AAAAAAAAAAAAAAAA.AAAA'", values![]);
    deployment.sweep();
    let under = deployment.sealed_under();
    assert_eq!(under.keys().map(String::as_str).collect::<Vec<_>>(), ["0123456789ab", &name(NEW)]);
    assert_eq!(deployment.progress("broken"), 1);
    let told = deployment.api.platform.errors();
    let expected = format!(
        "1 rows of tokens cannot be sealed anew, the first is {}: the sealed text cannot be opened",
        deployment.token
    );
    assert!(told.iter().any(|error| error.problem == expected), "{told:?}");
}
