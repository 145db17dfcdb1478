//! What every endpoint has: a method, a path, the right that it needs, parameters, and a body.

use domain::ApiError;
use domain::account::Account;
use domain::api_key::{Access, ApiKey, Kind};
use flows::{Context, Failure, Platform};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The methods of Stripe's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the HTTP method of the same name")]
pub enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    /// What a restricted key needs for it.
    pub fn access(self) -> Access {
        match self {
            Self::Get => Access::Read,
            Self::Post | Self::Delete => Access::Write,
        }
    }

    /// The name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// One call of an endpoint: who calls, and what the operation knows of its surroundings.
pub struct Call<'a, P> {
    /// What the operation knows of its surroundings.
    pub context: Context<'a, P>,
    /// The key that the caller holds.
    pub key: &'a ApiKey,
    /// Whose key it is.
    pub account: &'a Account,
    /// What the response is to show in full; most of it is put in place after the endpoint ran.
    pub expand: &'a [String],
    /// The parts of the path that the route leaves open, in their order.
    pub path: Vec<String>,
    /// The path itself, as lists repeat it.
    pub url: String,
    /// The version that the request asks for.
    pub version: String,
    /// The address of the caller, where known.
    pub client_ip: Option<String>,
}

impl<P> Call<'_, P> {
    /// The id in the path.
    pub fn id(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// Whether the caller is a customer's browser.
    pub fn is_publishable(&self) -> bool {
        self.key.kind == Kind::Publishable
    }
}

/// One endpoint of the API.
pub trait Endpoint {
    /// Its method.
    const METHOD: Method;
    /// Its path, with `{id}` where a part is open.
    const PATH: &'static str;
    /// The resource that a restricted key needs a right for, as `payment_intent`.
    const RESOURCE: &'static str;
    /// The resource that it shows, for the API's description.
    const SHOWS: &'static str = Self::RESOURCE;
    /// The object that it shows, where that is another one.
    const OBJECT: &'static str = Self::RESOURCE;
    /// Whether a customer's browser may call it.
    const PUBLISHABLE: bool = false;
    /// Its parameters, from the body or the query; `expand` is taken out before.
    type Parameters: DeserializeOwned;
    /// The parameters once they are checked.
    type Input;

    /// Checks the parameters on their own: what is refused here leaves no trace at all.
    ///
    /// # Errors
    /// When a parameter, or a combination of them, cannot be right whatever the database holds.
    fn check(parameters: Self::Parameters) -> Result<Self::Input, ApiError>;

    /// Does it, and shows the result.
    ///
    /// # Errors
    /// What the merchant is told, or what went wrong on our side.
    #[expect(async_fn_in_trait, reason = "Platform futures stay on one thread")]
    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Value, Failure>;
}
