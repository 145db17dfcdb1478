//! A deployment beside the model: each step is done by both.

use std::cell::Cell;

use api::{Answer, Api};
use domain::dispute::Dispute;
use domain::id::{ChargeId, Id};
use domain::payout::FailureCode;
use domain::resource::balance::Funds;
use flows::Context;
use kit::Merchant;
use store::audit::checks;
use store::values;

use crate::model::{Model, NEVER, Outcome, Payment, Status, part_of};
use crate::operation::{CURRENCIES, Card, MERCHANTS, Operation, Terms, Way};

/// What a payment is called.
struct Named {
    path: String,
    charge: Option<String>,
}

/// A deployment and the model that it is held against.
pub struct Compared {
    api: Api,
    model: Model,
    merchants: [Merchant; MERCHANTS],
    /// At which no payout arrives.
    banks: [String; MERCHANTS],
    payments: Vec<Named>,
    /// Those that were asked for, with the model's place of each.
    payouts: Vec<(String, usize)>,
    /// The merchant that the last step was about.
    changed: Cell<usize>,
}

type Form = Vec<(&'static str, String)>;

fn money(currency: &'static str, amount: i64) -> Form {
    vec![("currency", currency.to_owned()), ("amount", amount.to_string())]
}

/// The form of a payment.
fn asking(payment: &Payment, confirms: bool) -> Form {
    let card = payment.card.name();
    let mut form = money(payment.currency, payment.amount);
    if payment.application_fee > 0 {
        form.push(("application_fee_amount", payment.application_fee.to_string()));
    }
    if payment.way == Way::Charge {
        form.push(("source", format!("tok_{card}")));
        form.push(("capture", payment.takes.to_string()));
        return form;
    }
    form.push(("payment_method", format!("pm_card_{card}")));
    form.push(("payment_method_types[]", "card".to_owned()));
    form.push(("confirm", confirms.to_string()));
    if !payment.takes {
        form.push(("capture_method", "manual".to_owned()));
    }
    if payment.way == Way::PartsOfIntent {
        let parts = "payment_method_options[card][request_multicapture]";
        form.push((parts, "if_available".to_owned()));
    }
    form
}

/// The place of an object of those that are meant, or now and then of any; none where there is none.
fn pick(at: usize, all: usize, is_meant: impl Fn(usize) -> bool) -> Option<usize> {
    let place = at / 8;
    if at.is_multiple_of(8) {
        return place.checked_rem(all);
    }
    let meant: Vec<_> = (0..all).filter(|place| is_meant(*place)).collect();
    place.checked_rem(meant.len()).map(|place| meant[place])
}

impl Compared {
    pub fn new(terms: [Terms; MERCHANTS]) -> Self {
        let api = Api::new();
        let merchants = [api.merchant.clone(), api.platform.merchant("other")];
        let database = api.platform.database();
        for (merchant, terms) in merchants.iter().zip(&terms) {
            let days = terms.available_after_days;
            let schedule = terms.schedule.text();
            let settings =
                format!("{{\"available_after_days\": {days}, \"payout_schedule\": {schedule}}}");
            api.platform.set_settings(merchant, &settings);
            let sql =
                "INSERT INTO price_plans (account, version, created, plan) VALUES (?1, 2, 0, ?2)";
            database.query(sql, values![merchant.account.as_str(), plan(terms)]);
        }
        // Receipts move no money, and what the daily audit checks is checked at the end.
        database.query("UPDATE fan_out SET receipt_event = ?1", values![i64::from(u32::MAX)]);
        database.query("UPDATE audit_run SET due_at = ?1", values![i64::from(u32::MAX)]);
        let banks = merchants.each_ref().map(|merchant| {
            // The first is where money goes unless said otherwise.
            bank(&api, merchant, "000123456789");
            bank(&api, merchant, "000111111116")
        });
        let owners = merchants.each_ref().map(|merchant| merchant.account.as_str().to_owned());
        let now = flows::Platform::now(&api.platform).seconds();
        let model = Model::new(now, owners, terms);
        let (payments, payouts) = (Vec::new(), Vec::new());
        Self { api, model, merchants, banks, payments, payouts, changed: Cell::new(0) }
    }

    fn post(&self, merchant: usize, path: &str, form: &Form) -> Answer {
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let key = &self.merchants[merchant].secret_key;
        self.changed.set(merchant);
        kit::run(self.api.posting_as(key, path, &form, None))
    }

    /// Does one step on both sides. What the model refuses must be refused, for the same reason.
    pub fn step(&mut self, operation: &Operation) -> Result<(), String> {
        let done = match operation.clone() {
            Operation::Pay { .. } => self.pay(operation),
            Operation::Confirm { at, card } => self.confirm(at, card),
            Operation::Capture { at, part, is_last } => self.capture(at, part, is_last),
            Operation::Cancel { at } => self.cancel(at),
            Operation::Refund { at, part } => self.refund(at, part),
            Operation::Answer { at, word } => self.disputed(at).map(|at| {
                let form = vec![("evidence[uncategorized_text]", word.text().to_owned())];
                (self.post_of_dispute(at, "", &form), self.model.answer(at, word))
            }),
            Operation::Accept { at } => self.disputed(at).map(|at| {
                (self.post_of_dispute(at, "/close", &Form::new()), self.model.accept(at))
            }),
            Operation::PayOut { merchant, currency, part, is_instant, is_refused } => {
                Some(self.pay_out((merchant, CURRENCIES[currency]), part, is_instant, is_refused))
            }
            Operation::StopPayout { at } => self.stop_payout(at),
            Operation::ReturnPayout { at } => {
                self.return_payout(at);
                None
            }
            Operation::Pass { seconds, beats } => {
                self.pass(seconds, beats);
                None
            }
        };
        if let Some((answer, expected)) = done {
            let code = answer.body["error"]["code"].as_str().unwrap_or_default();
            let told = if answer.status == 200 { Ok(()) } else { Err(code) };
            if told != expected {
                return Err(format!("{expected:?} is expected, and not: {:#}", answer.body));
            }
        }
        self.compare_ledger()?;
        // What is shown of a merchant follows from the ledger, which is as the model's, and the time.
        match operation {
            Operation::Pass { .. } => {
                (0..MERCHANTS).try_for_each(|place| self.compare_shown(place))
            }
            _ => self.compare_shown(self.changed.get()),
        }
    }

    fn compare_ledger(&self) -> Result<(), String> {
        // An account of a day that holds nothing has no row.
        let sql = "SELECT coalesce(group_concat(line, ''), '') AS text FROM (\
                   SELECT owner || ' ' || currency || ' ' || kind || ' ' || day || ' ' || balance || char(10) \
                   AS line FROM ledger_accounts WHERE balance <> 0 OR day <> 0 \
                   ORDER BY owner, currency, kind, day)";
        let rows = self.api.platform.database().query(sql, values![]);
        let found = rows[0].text("text").expect("a text");
        let expected = self.model.balances.text();
        if found == expected {
            return Ok(());
        }
        let only = |these: &str, others: &str| {
            let others: Vec<_> = others.lines().collect();
            let lines = these.lines().filter(|line| !others.contains(line));
            lines.collect::<Vec<_>>().join("\n    ")
        };
        let (more, less) = (only(found, &expected), only(&expected, found));
        Err(format!("the ledger has\n    {more}\nand the model\n    {less}"))
    }

    fn pay(&mut self, operation: &Operation) -> Option<(Answer, Outcome)> {
        let Operation::Pay {
            merchant,
            currency,
            amount,
            card,
            way,
            confirms,
            takes,
            application_fee,
        } = *operation
        else {
            return None;
        };
        let currency = CURRENCIES[currency];
        let payment = Payment {
            merchant,
            currency,
            way,
            status: Status::Unpaid,
            card,
            takes,
            amount,
            application_fee,
            taken: 0,
            let_go: 0,
            given_back: 0,
            fee: 0,
            application_fee_taken: 0,
            fee_given_back: 0,
            available_at: 0,
            expires_at: NEVER,
            looked_at: Vec::new(),
            dispute: None,
        };
        let root = if way == Way::Charge { "/v1/charges" } else { "/v1/payment_intents" };
        let answer = self.post(merchant, root, &asking(&payment, confirms));
        let id = match answer.status {
            200 => answer.id().to_owned(),
            _ => {
                answer.body["error"]["payment_intent"]["id"].as_str().unwrap_or_default().to_owned()
            }
        };
        let charge = match way {
            Way::Charge => Some(id.clone()).filter(|id| !id.is_empty()),
            _ => answer.body["latest_charge"].as_str().map(str::to_owned),
        };
        self.payments.push(Named { path: format!("{root}/{id}"), charge });
        Some((answer, self.model.pay(payment, confirms)))
    }

    /// The place of an intent in this state.
    fn intent(&self, at: usize, status: Status) -> Option<usize> {
        let payments = &self.model.payments;
        let found = pick(at, payments.len(), |place| {
            payments[place].way != Way::Charge && payments[place].status == status
        });
        found.filter(|place| payments[*place].way != Way::Charge)
    }

    fn confirm(&mut self, at: usize, card: Card) -> Option<(Answer, Outcome)> {
        let at = self.intent(at, Status::Unpaid)?;
        let form = vec![("payment_method", format!("pm_card_{}", card.name()))];
        let path = format!("{}/confirm", self.payments[at].path);
        let answer = self.post(self.model.payments[at].merchant, &path, &form);
        let expected = self.model.confirm(at, card);
        if answer.status == 200 {
            self.payments[at].charge = Some(answer.text_at("/latest_charge").to_owned());
        }
        Some((answer, expected))
    }

    fn capture(
        &mut self,
        at: usize,
        part: Option<i64>,
        is_last: bool,
    ) -> Option<(Answer, Outcome)> {
        let payments = &self.model.payments;
        let at = pick(at, payments.len(), |place| payments[place].status == Status::Holding)?;
        let payment = &payments[at];
        if !payment.is_charged() && payment.way == Way::Charge {
            return None;
        }
        let least = if payment.way == Way::Charge { 1 } else { 0 };
        let amount = part.map(|part| part_of(payment.held(), part).max(least));
        let mut form = Form::new();
        let name = if payment.way == Way::Charge { "amount" } else { "amount_to_capture" };
        form.extend(amount.map(|amount| (name, amount.to_string())));
        if payment.way != Way::Charge && !is_last {
            form.push(("final_capture", "false".to_owned()));
        }
        let path = format!("{}/capture", self.payments[at].path);
        let answer = self.post(payment.merchant, &path, &form);
        Some((answer, self.model.capture(at, amount, is_last)))
    }

    fn cancel(&mut self, at: usize) -> Option<(Answer, Outcome)> {
        let at = self.intent(at, Status::Holding)?;
        let path = format!("{}/cancel", self.payments[at].path);
        let answer = self.post(self.model.payments[at].merchant, &path, &Form::new());
        Some((answer, self.model.cancel(at)))
    }

    fn refund(&mut self, at: usize, part: Option<i64>) -> Option<(Answer, Outcome)> {
        let payments = &self.model.payments;
        let is_meant = |place: usize| payments[place].taken > payments[place].given_back;
        let at = pick(at, payments.len(), is_meant)?;
        let payment = &payments[at];
        let charge = self.payments[at].charge.clone()?;
        let left = payment.taken - payment.given_back;
        let amount = part.map(|part| part_of(left.max(100), part).max(1));
        let mut form = vec![("charge", charge)];
        form.extend(amount.map(|amount| ("amount", amount.to_string())));
        let answer = self.post(payment.merchant, "/v1/refunds", &form);
        Some((answer, self.model.refund(at, amount)))
    }

    fn disputed(&self, at: usize) -> Option<usize> {
        let payments = &self.model.payments;
        let found = pick(at | 1, payments.len(), |place| payments[place].dispute.is_some());
        found.filter(|place| payments[*place].dispute.is_some())
    }

    fn post_of_dispute(&self, at: usize, end: &str, form: &Form) -> Answer {
        let charge = self.payments[at].charge.as_deref().expect("a charge");
        let dispute = Dispute::id_of(&ChargeId::parse(charge).expect("an id"));
        self.post(self.model.payments[at].merchant, &format!("/v1/disputes/{dispute}{end}"), form)
    }

    fn pay_out(
        &mut self,
        (merchant, currency): (usize, &'static str),
        part: i64,
        is_instant: bool,
        is_refused: bool,
    ) -> (Answer, Outcome) {
        let amount = part_of(self.model.has(merchant, currency).0, part).max(1);
        let is_refused = is_refused && currency == CURRENCIES[0];
        let mut form = money(currency, amount);
        if is_instant {
            form.push(("method", "instant".to_owned()));
        }
        if is_refused {
            form.push(("destination", self.banks[merchant].clone()));
        }
        let answer = self.post(merchant, "/v1/payouts", &form);
        if answer.status == 200 {
            self.payouts.push((answer.id().to_owned(), self.model.payouts.len()));
        }
        let expected = self.model.pay_out((merchant, currency), amount, is_instant, is_refused);
        (answer, expected)
    }

    fn stop_payout(&mut self, at: usize) -> Option<(Answer, Outcome)> {
        let at = self.payouts.len().checked_sub(1)?.saturating_sub(at % 4);
        let (id, at) = &self.payouts[at];
        let path = format!("/v1/payouts/{id}/cancel");
        let answer = self.post(self.model.payouts[*at].merchant(), &path, &Form::new());
        Some((answer, self.model.stop_payout(*at)))
    }

    fn return_payout(&mut self, at: usize) {
        let Some(last) = self.payouts.len().checked_sub(1) else { return };
        let at = last.saturating_sub(at % 4);
        let (id, at) = &self.payouts[at];
        let merchant = self.model.payouts[*at].merchant();
        self.changed.set(merchant);
        let scope = self.merchants[merchant].scope();
        let context = Context::unattended(&self.api.platform, scope);
        let failing = flows::payouts::fail(&context, id, FailureCode::AccountClosed);
        kit::run(failing).expect("it fails");
        self.model.return_payout(*at);
    }

    fn pass(&mut self, seconds: i64, beats: bool) {
        self.api.platform.advance(seconds);
        self.model.now += seconds;
        if beats {
            let now = flows::Platform::now(&self.api.platform);
            while kit::run(api::beat(&self.api.platform)) <= now {}
            self.model.beat();
        }
    }

    /// What the API shows of a merchant's balances, by their dates: also before the books were moved.
    fn compare_shown(&self, merchant: usize) -> Result<(), String> {
        let own = domain::Currency::parse(CURRENCIES[0]).expect("a currency");
        let context = Context::unattended(&self.api.platform, self.merchants[merchant].scope());
        let shown = kit::run(flows::balance::balance(&context, own)).expect("a balance");
        for currency in CURRENCIES {
            let of = |funds: &[Funds]| {
                let found = funds.iter().find(|funds| funds.currency.code() == currency);
                found.map_or(0, |found| found.amount.minor_units())
            };
            let found = (of(&shown.available), of(&shown.pending));
            let expected = self.model.has(merchant, currency);
            if found != expected {
                return Err(format!("{found:?} is shown and {expected:?} expected in {currency}"));
            }
        }
        Ok(())
    }

    /// What holds of the whole, and that nothing went wrong unseen.
    pub fn end(&self) -> Result<(), String> {
        for (stage, check) in checks() {
            let sql = check.whole(stage, "0");
            let found = self.api.platform.database().query(&sql, vec![]);
            if !found.is_empty() {
                return Err(format!("{}, but: {found:#?}", check.holds));
            }
        }
        match self.api.platform.errors() {
            errors if errors.is_empty() => Ok(()),
            errors => Err(format!("operators were told: {errors:#?}")),
        }
    }
}

fn plan(terms: &Terms) -> String {
    let everywhere = |amount: i64| {
        let amounts = CURRENCIES.map(|currency| format!("\"{currency}\": {amount}"));
        format!("{{{}}}", amounts.join(", "))
    };
    format!(
        "{{\"version\": 2, \"basis_points\": {}, \"fixed\": {}, \"minimum\": {}, \"dispute\": {}, \
         \"on_refund\": \"{}\"}}",
        terms.basis_points,
        everywhere(terms.fixed),
        everywhere(terms.minimum),
        everywhere(terms.dispute),
        if terms.returns_fees { "returned" } else { "kept" },
    )
}

/// Names a bank account of a merchant.
fn bank(api: &Api, merchant: &Merchant, number: &str) -> String {
    let form = [
        ("external_account[object]", "bank_account"),
        ("external_account[country]", "US"),
        ("external_account[currency]", "usd"),
        ("external_account[routing_number]", "110000000"),
        ("external_account[account_number]", number),
    ];
    let path = format!("/v1/accounts/{}/external_accounts", merchant.account);
    kit::run(api.posting_as(&merchant.secret_key, &path, &form, None)).ok().id().to_owned()
}
