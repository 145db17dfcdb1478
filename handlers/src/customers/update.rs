//! `POST /v1/customers/{customer}`

use domain::ApiError;
use domain::resource::Json;
use flows::customers::{self, Changes, NewSource};
use flows::{Failure, Platform};

use super::parameters::customer_parameters;
use super::show;
use crate::endpoint::{Call, Endpoint, Method};

/// Changes what is known of a customer.
pub struct Update;

customer_parameters! {
    /// The body.
    pub struct Parameters {
        /// A card that they keep, to be their default source.
        #[serde(default, deserialize_with = "domain::patch::named")]
        default_source: Option<String>,
    }
}

/// What is to change.
pub struct Input {
    changes: Changes,
    source: Option<NewSource>,
}

impl Endpoint for Update {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/customers/{customer}";
    const RESOURCE: &'static str = "customer";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let source = match (parameters.source.clone(), parameters.default_source.clone()) {
            (Some(_), Some(_)) => {
                return Err(ApiError::ParametersExclusive {
                    param: "default_source".to_owned(),
                    message:
                        "You may only specify one of these parameters: default_source, source."
                            .to_owned(),
                });
            }
            (Some(token), None) => Some(NewSource::Token(token)),
            (None, kept) => kept.map(NewSource::Kept),
        };
        Ok(Input { changes: parameters.changes()?, source })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let source = input.source.as_ref();
        Ok(show(&customers::update(&call.context, call.id(), &input.changes, source).await?))
    }
}
