//! What every endpoint has: a method, a path, the right that it needs, parameters, and a body.

use std::pin::Pin;

use domain::ApiError;
use domain::account::Account;
use domain::api_key::{Access, ApiKey, Kind};
use domain::resource::Json;
use flows::{Context, Failure, Platform};
use serde::de::DeserializeOwned;

use crate::form::Tree;

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
pub trait Endpoint: 'static {
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
    type Input: 'static;

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
    async fn run<P: Platform>(call: &Call<'_, P>, input: Self::Input) -> Result<Json, Failure>;
}

/// What is known of an endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Its method.
    pub method: Method,
    /// Its path, with `{id}` where a part is open.
    pub path: &'static str,
    /// The resource that a restricted key needs a right for.
    pub resource: &'static str,
    /// The object that it shows.
    pub object: &'static str,
    /// Whether a customer's browser may call it.
    pub is_publishable: bool,
}

impl Listed {
    /// What an endpoint says of itself.
    pub const fn of<E: Endpoint>() -> Self {
        Self {
            method: E::METHOD,
            path: E::PATH,
            resource: E::RESOURCE,
            object: E::OBJECT,
            is_publishable: E::PUBLISHABLE,
        }
    }
}

/// An endpoint without its types, so that what serves all of them is compiled once.
pub struct Entry<P> {
    /// What is known of it.
    pub listed: Listed,
    /// Reads and checks its parameters.
    pub check: Check<P>,
}

/// How the parameters of an endpoint are read and checked.
pub type Check<P> = fn(Tree) -> Result<Box<dyn Checked<P>>, ApiError>;

impl<P: Platform> Entry<P> {
    /// The entry of an endpoint.
    pub const fn of<E: Endpoint>() -> Self {
        Self { listed: Listed::of::<E>(), check: check::<E, P> }
    }
}

fn check<E: Endpoint, P: Platform>(tree: Tree) -> Result<Box<dyn Checked<P>>, ApiError> {
    Ok(Box::new(Ready::<E>(E::check(tree.decode()?)?)))
}

/// An operation on its way. It is on the heap: whoever awaits one of many would otherwise have room for
/// all of them on the stack, which in the Worker is small.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Json, Failure>> + 'a>>;

/// An endpoint whose parameters are checked, and that has yet to run.
pub trait Checked<P> {
    /// Runs it.
    fn run<'a>(self: Box<Self>, call: &'a Call<'a, P>) -> Running<'a>;
}

struct Ready<E: Endpoint>(E::Input);

impl<E: Endpoint, P: Platform> Checked<P> for Ready<E> {
    fn run<'a>(self: Box<Self>, call: &'a Call<'a, P>) -> Running<'a> {
        Box::pin(E::run(call, self.0))
    }
}
