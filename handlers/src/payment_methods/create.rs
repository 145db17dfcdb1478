//! `POST /v1/payment_methods`

use domain::ApiError;
use domain::resource::Json;
use flows::payment_methods::{self, NewCard};
use flows::{Failure, Platform};

use super::parameters::PaymentMethodData;
use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Creates a payment method that nobody keeps yet; a customer's browser may, so that card numbers need
/// not cross the merchant's server.
pub struct Create;

impl Endpoint for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/payment_methods";
    const RESOURCE: &'static str = "payment_method";
    const PUBLISHABLE: bool = true;
    type Parameters = PaymentMethodData;
    type Input = NewCard;

    fn check(parameters: PaymentMethodData) -> Result<NewCard, ApiError> {
        parameters.new_card("card", "billing_details[email]")
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: NewCard) -> Result<Json, Failure> {
        let method = payment_methods::create(&call.context, &input).await?;
        Ok(show(&method))
    }
}
