//! `GET /v1/payment_methods`

use domain::ApiError;
use domain::customer::Customer;
use domain::payment_method::{AllowRedisplay, PaymentMethod};
use domain::resource::Json;
use flows::payment_intents::no_such_customer;
use flows::{Failure, Platform};
use serde::Deserialize;
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list;

/// Lists payment methods.
pub struct List;

/// The query.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Whether they may be shown to their customer again; only together with the customer.
    allow_redisplay: Option<AllowRedisplay>,
    /// Who keeps them.
    customer: Option<String>,
    /// The payment method that the page ends right before.
    ending_before: Option<String>,
    /// How many payment methods, 1 to 100.
    limit: Option<i64>,
    /// The payment method that the page begins right after.
    starting_after: Option<String>,
    /// What kind they are of.
    r#type: Option<String>,
}

/// The page that is asked for.
pub struct Input {
    customer: Option<String>,
    narrowed: Narrowed,
    page: Page,
}

/// Which of the payment methods are wanted.
pub struct Narrowed {
    /// Of the other kinds there are none.
    pub of_cards: bool,
    /// Whether they may be shown to their customer again.
    pub allow_redisplay: Option<AllowRedisplay>,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/payment_methods";
    const RESOURCE: &'static str = "payment_method";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let of_cards = is_card(parameters.r#type.as_deref())?;
        let after = parameters.starting_after.as_deref();
        let before = parameters.ending_before.as_deref();
        let page = list::page(None, parameters.limit, after, before)?;
        let allow_redisplay = parameters.allow_redisplay;
        if allow_redisplay.is_some() && parameters.customer.is_none() {
            return Err(ApiError::ParameterInvalid {
                param: "allow_redisplay".to_owned(),
                message: "Payment methods can be listed by `allow_redisplay` only together with \
                          their `customer`."
                    .to_owned(),
            });
        }
        let narrowed = Narrowed { of_cards, allow_redisplay };
        Ok(Input { customer: parameters.customer, narrowed, page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let customer = input.customer.as_deref();
        let no_such = || no_such_customer(customer.unwrap_or_default());
        show_page(call, customer, &input.narrowed, &input.page, no_such).await
    }
}

/// Every kind of payment method that Stripe knows, in the order of the alphabet; Florin keeps cards.
#[rustfmt::skip]
pub(crate) static KINDS: &[&str] = &[
    "acss_debit", "affirm", "afterpay_clearpay", "alipay", "alma", "amazon_pay", "au_becs_debit",
    "bacs_debit", "bancontact", "billie", "bizum", "blik", "boleto", "card", "cashapp", "crypto",
    "custom", "customer_balance", "eps", "fpx", "giropay", "grabpay", "ideal", "kakao_pay", "klarna",
    "konbini", "kr_card", "link", "mb_way", "mobilepay", "multibanco", "naver_pay", "nz_bank_account",
    "oxxo", "p24", "pay_by_bank", "payco", "paynow", "paypal", "payto", "pix", "promptpay",
    "revolut_pay", "samsung_pay", "satispay", "scalapay", "sepa_debit", "sofort", "sunbit", "swish",
    "twint", "upi", "us_bank_account", "wechat_pay", "zip",
];

/// Whether cards are wanted: of the other kinds that Stripe knows there are none.
///
/// # Errors
/// When there is no such kind.
pub fn is_card(kind: Option<&str>) -> Result<bool, ApiError> {
    match kind {
        None | Some("card") => Ok(true),
        Some(kind) if KINDS.contains(&kind) => Ok(false),
        Some(kind) => Err(ApiError::InvalidEnum {
            param: "type".to_owned(),
            value: kind.chars().take(100).collect(),
            allowed: KINDS.to_vec(),
        }),
    }
}

/// Shows a page of what a customer keeps, or of all payment methods.
///
/// # Errors
/// When there is no such customer, or the cursor names nothing.
pub async fn show_page<P: Platform>(
    call: &Call<'_, P>,
    customer: Option<&str>,
    narrowed: &Narrowed,
    page: &Page,
    no_such: impl Fn() -> ApiError,
) -> Result<Json, Failure> {
    let filter = Filter::all(
        [
            customer.map(|id| Filter::Customer(id.to_owned())),
            narrowed.allow_redisplay.map(|value| Filter::AllowRedisplay(value.name().to_owned())),
        ]
        .into_iter()
        .flatten(),
    );
    let filters = if narrowed.of_cards { vec![filter] } else { Vec::new() };
    let shown = list::show(call, Table::PaymentMethods, &filters, page, |row| {
        Ok(show(&PaymentMethod::try_from(row)?))
    })
    .await?;
    let is_empty = list::is_empty(&shown);
    // Only a customer can keep something, so that an empty page alone leaves open whether there is one.
    if let (Some(id), true) = (customer, is_empty) {
        let statement = store::customers::find(&call.context.scope, id);
        let found: Option<Customer> = call.context.find(statement).await?;
        if found.is_none_or(|customer| customer.deleted) {
            return Err(no_such().into());
        }
    }
    Ok(shown)
}
