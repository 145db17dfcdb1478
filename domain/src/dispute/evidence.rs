//! Evidence: what a merchant says to a dispute (<https://docs.stripe.com/api/disputes/update>).

use serde::{Deserialize, Serialize};

use crate::{ApiError, Patch};

/// How many characters all fields may have together.
const LONGEST_IN_ALL: usize = 150_000;

/// As long as a request may be: whoever takes a long text has a limit of its own, or none.
pub const LONGEST_TEXT: usize = 1_000_000;

/// The name by which serde's format knows that a text may be as long as [`LONGEST_TEXT`].
pub const LONG_TEXT: &str = "LongText";

/// A text that may be longer than those of other parameters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(inline))]
pub struct LongText(pub String);

macro_rules! evidence {
    (texts { $($text:ident up to $limit:literal,)* } files { $($file:ident,)* }) => {
        /// What a merchant says to a dispute: texts, and the ids of files.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(
            feature = "openapi",
            derive(schemars::JsonSchema),
            schemars(rename = "dispute_evidence")
        )]
        #[serde(default)]
        #[expect(missing_docs, reason = "each is Stripe's field of the same name")]
        pub struct Evidence {
            $(pub $text: Option<String>,)*
            $(pub $file: Option<String>,)*
        }

        /// What an update changes about the evidence.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        #[serde(default, deny_unknown_fields)]
        #[expect(missing_docs, reason = "each is Stripe's parameter of the same name")]
        pub struct EvidenceUpdate {
            $(pub $text: Patch<LongText>,)*
            $(pub $file: Patch<String>,)*
        }

        impl Evidence {
            /// What is said in words.
            pub fn texts(&self) -> impl Iterator<Item = &str> {
                [$(self.$text.as_deref(),)*].into_iter().flatten()
            }

            fn files(&self) -> impl Iterator<Item = &str> {
                [$(self.$file.as_deref(),)*].into_iter().flatten()
            }

            /// The evidence after an update.
            ///
            /// # Errors
            /// When all of it is too long.
            pub fn updated(&self, update: &EvidenceUpdate) -> Result<Self, ApiError> {
                let mut after = self.clone();
                $(update.$text.clone().map(|LongText(text)| text).apply_to(&mut after.$text);)*
                $(update.$file.clone().apply_to(&mut after.$file);)*
                let lengths = after.texts().chain(after.files()).map(|text| text.chars().count());
                let length = lengths.fold(0_usize, usize::saturating_add);
                if length > LONGEST_IN_ALL {
                    let (param, limit) = ("evidence".to_owned(), LONGEST_IN_ALL);
                    return Err(ApiError::StringTooLong { param, length, limit });
                }
                Ok(after)
            }
        }

        impl EvidenceUpdate {
            /// Checks each field on its own.
            ///
            /// # Errors
            /// When a text is too long, or what is to name a file does not.
            pub fn check(&self) -> Result<(), ApiError> {
                $(check_text(stringify!($text), &self.$text, $limit)?;)*
                $(check_file(stringify!($file), &self.$file)?;)*
                Ok(())
            }
        }
    };
}

evidence! {
    texts {
    access_activity_log up to 20_000,
    billing_address up to 5_000,
    cancellation_policy_disclosure up to 20_000,
    cancellation_rebuttal up to 20_000,
    customer_email_address up to 5_000,
    customer_name up to 5_000,
    customer_purchase_ip up to 5_000,
    duplicate_charge_explanation up to 20_000,
    duplicate_charge_id up to 5_000,
    product_description up to 20_000,
    refund_policy_disclosure up to 20_000,
    refund_refusal_explanation up to 20_000,
    service_date up to 5_000,
    shipping_address up to 5_000,
    shipping_carrier up to 5_000,
    shipping_date up to 5_000,
    shipping_tracking_number up to 5_000,
    uncategorized_text up to 20_000,
    }
    files {
    cancellation_policy,
    customer_communication,
    customer_signature,
    duplicate_charge_documentation,
    receipt,
    refund_policy,
    service_documentation,
    shipping_documentation,
    uncategorized_file,
    }
}

impl Evidence {
    /// Whether anything is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl EvidenceUpdate {
    /// Whether nothing is asked.
    pub fn is_keep(&self) -> bool {
        *self == Self::default()
    }
}

fn check_text(name: &str, text: &Patch<LongText>, limit: usize) -> Result<(), ApiError> {
    let length = text.as_set().map_or(0, |LongText(text)| text.chars().count());
    if length > limit {
        return Err(ApiError::StringTooLong { param: format!("evidence[{name}]"), length, limit });
    }
    Ok(())
}

fn check_file(name: &str, file: &Patch<String>) -> Result<(), ApiError> {
    match file.as_set() {
        Some(id) if !id.starts_with("file_") => Err(ApiError::NoSuchObject {
            kind: "file upload",
            id: id.clone(),
            param: format!("evidence[{name}]"),
            in_path: false,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Patch<LongText> {
        Patch::Set(LongText(text.to_owned()))
    }

    fn file(id: &str) -> Patch<String> {
        Patch::Set(id.to_owned())
    }

    #[test]
    fn an_update_changes_what_it_names() {
        let first = EvidenceUpdate {
            customer_name: set("Jo"),
            receipt: file("file_1"),
            ..EvidenceUpdate::default()
        };
        let staged = Evidence::default().updated(&first).expect("it is short");
        assert_eq!(staged.texts().collect::<Vec<_>>(), ["Jo"]);
        let second = EvidenceUpdate { customer_name: Patch::Clear, ..EvidenceUpdate::default() };
        let staged = staged.updated(&second).expect("it is short");
        assert_eq!(staged.receipt.as_deref(), Some("file_1"));
        assert!(staged.customer_name.is_none() && !staged.is_empty());
    }

    #[test]
    fn what_is_too_long_or_no_file_is_refused() {
        let long = "x".repeat(20_001);
        let update = EvidenceUpdate { uncategorized_text: set(&long), ..EvidenceUpdate::default() };
        assert!(matches!(update.check(), Err(ApiError::StringTooLong { limit: 20_000, .. })));
        let update = EvidenceUpdate { receipt: file("ch_1"), ..EvidenceUpdate::default() };
        assert!(matches!(update.check(), Err(ApiError::NoSuchObject { .. })));
        let long = set(&"x".repeat(20_000));
        let all = EvidenceUpdate {
            access_activity_log: long.clone(),
            cancellation_policy_disclosure: long.clone(),
            cancellation_rebuttal: long.clone(),
            duplicate_charge_explanation: long.clone(),
            product_description: long.clone(),
            refund_policy_disclosure: long.clone(),
            refund_refusal_explanation: long.clone(),
            uncategorized_text: long,
            ..EvidenceUpdate::default()
        };
        assert!(all.check().is_ok());
        assert!(Evidence::default().updated(&all).is_err());
    }
}
