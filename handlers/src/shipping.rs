//! Where the goods of a payment go, as a request says it.

use domain::payment_intent::Shipping;
use domain::payment_method::Address;
use serde::Deserialize;

/// Where the goods of a payment go; whoever says so says to whom and to which address.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ShippingParameters {
    /// Where to.
    address: Address,
    /// Who brings them.
    carrier: Option<String>,
    /// Who gets them.
    name: String,
    /// With its extension.
    phone: Option<String>,
    /// The carrier's number.
    tracking_number: Option<String>,
}

impl From<ShippingParameters> for Shipping {
    fn from(parameters: ShippingParameters) -> Self {
        Self {
            address: Some(parameters.address),
            carrier: parameters.carrier,
            name: Some(parameters.name),
            phone: parameters.phone,
            tracking_number: parameters.tracking_number,
        }
    }
}
