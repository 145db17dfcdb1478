//! What every connector must do: the same situations for each, told in the words of its processor.
//!
//! A connector joins by a file beside this one that tells each situation, and a line in `PROCESSORS`.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod declines;
#[cfg(test)]
mod hyperswitch;
#[cfg(test)]
mod particular;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod situations;
#[cfg(test)]
mod stripe;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod webhooks;

#[cfg(test)]
use std::fs;
#[cfg(test)]
use std::path::Path;

use connectors::Connector;
use domain::card::Decline;
use domain::timestamp::Timestamp;
use http::HeaderMap;

use situations::Situation;

/// A processor, as a connector meets it.
pub trait Processor: Sync {
    /// Who speaks to it.
    fn connector(&self) -> Connector;

    /// A secret of each kind that opens its test mode, and its live mode.
    fn secrets(&self) -> [&[&str]; 2];

    /// What it calls the payment that our key makes.
    fn payment(&self) -> String;

    /// What it calls the refund that our key makes.
    fn refund(&self) -> String;

    /// What it answers: the status and the body.
    fn answer(&self, situation: Situation) -> (u16, String);

    /// What it answers to an authorisation that is declined so.
    fn declined(&self, decline: Decline) -> (u16, String);

    /// What it answers where it took 20 dollars and remembers the card.
    fn remembers(&self) -> (u16, String);

    /// What it answers where it knows no more what it was to remember the card by.
    fn forgot(&self) -> (u16, String);

    /// A delivery of its webhook about an event and an object, signed by a secret at a moment.
    fn delivery(&self, told: Told, secrets: &[&str], at: Timestamp) -> (HeaderMap, String);

    /// Whether a delivery that was signed long ago looks different from a new one.
    fn signs_time(&self) -> bool;
}

/// What a processor tells unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The payment succeeded, all of it taken.
    PaymentTaken,
    /// The payment is held.
    PaymentHeld,
    /// The payment was declined for lack of money.
    PaymentDeclined,
    /// The payment was canceled.
    PaymentCanceled,
    /// The refund arrived.
    RefundArrived,
    /// The refund came back.
    RefundFailed,
    /// A dispute was opened.
    DisputeOpened,
    /// A dispute was lost.
    DisputeLost,
    /// Something that nobody here knows.
    SomethingElse,
}

/// Every processor.
pub static PROCESSORS: [&dyn Processor; 2] = [&stripe::Stripe, &hyperswitch::Hyperswitch];

#[test]
fn every_connector_that_speaks_over_a_wire_is_here() {
    for connector in Connector::ALL.iter().copied() {
        let is_here = PROCESSORS.iter().any(|processor| processor.connector() == connector);
        assert_eq!(is_here, connector != commands::named("simulator"), "{}", connector.name());
        assert_eq!(Connector::from_name(connector.name()), Some(connector));
    }
}

/// The lines of code, without what is only said, of the sources under a folder.
#[cfg(test)]
fn code_under(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.extension() {
            None if path.is_dir() => code_under(&path),
            Some(kind) if kind == "rs" => {
                let text = fs::read_to_string(&path).expect("a source");
                let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
                lines.map(str::to_lowercase).collect()
            }
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn no_other_layer_names_a_connector() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Stripe's own API is what all of Florin speaks, and the simulator is built in.
    let names = Connector::ALL.iter().map(|connector| connector.name());
    let names: Vec<&str> = names.filter(|name| !["stripe", "simulator"].contains(name)).collect();
    assert!(!names.is_empty());
    for layer in ["domain/src", "store/src", "flows/src", "handlers/src", "queues/src", "src"] {
        let code = code_under(&root.join(layer));
        assert!(code.len() > 100, "{layer} has hardly any");
        let named = code.iter().find(|line| names.iter().any(|name| line.contains(name)));
        assert_eq!(named, None, "in {layer}");
    }
}

#[test]
fn a_secret_says_which_mode_it_opens() {
    for processor in PROCESSORS {
        for (live, secrets) in processor.secrets().into_iter().enumerate() {
            assert!(!secrets.is_empty(), "{:?}", processor.connector());
            for secret in secrets {
                let opens_live_mode = processor.connector().opens_live_mode(secret);
                assert_eq!(opens_live_mode, Some(live == 1), "{secret}");
            }
        }
        assert_eq!(processor.connector().opens_live_mode("says_nothing"), None);
    }
}
