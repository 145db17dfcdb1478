//! Idempotency keys, by a model that shares no code with the objects that keep them: what may run, what is kept of it, and
//! what is answered again.

use std::collections::BTreeMap;

use domain::idempotency::{Answer, Begin, Complete, Decision};

/// For how many seconds a run keeps others with its key out.
const LEASE: i64 = 15;

/// For how many seconds an answer is kept.
const KEPT: i64 = 24 * 3_600;

/// What is known of a key.
#[derive(Debug, Default)]
struct Known {
    fingerprint: String,
    created: i64,
    /// The newest run, and when it began.
    epoch: i64,
    began: i64,
    /// Whether it goes on, as far as anybody knows.
    runs: bool,
    answer: Option<Answer>,
}

/// All keys, by their objects and names.
#[derive(Debug, Default)]
pub struct Keys(BTreeMap<(String, String), Known>);

impl Keys {
    /// A request began, and was told this; says what is wrong with that.
    pub fn begun(&mut self, object: &str, begin: &Begin, told: &Decision) -> Option<String> {
        let at = (object.to_owned(), begin.key.clone());
        let now = begin.now.seconds();
        let known = self.0.entry(at).or_default();
        let is_kept = known.epoch > 0 && (known.created + KEPT > now || known.answer.is_none());
        let wrong = match told {
            Decision::Run { .. } if is_kept && known.answer.is_some() => {
                Some("ran again, and was answered before")
            }
            Decision::Run { .. } if is_kept && known.runs && known.began + LEASE > now => {
                Some("ran beside a run whose lease lasted")
            }
            Decision::Run { resumes: false, .. } if is_kept => Some("ran as if it were new"),
            Decision::Replay { answer, .. } if known.answer.as_ref() != Some(answer) => {
                Some("was answered what was never kept")
            }
            Decision::Mismatch if known.fingerprint == begin.fingerprint => {
                Some("was taken for another's")
            }
            Decision::Replay { .. } | Decision::Run { resumes: true, .. }
                if known.fingerprint != begin.fingerprint =>
            {
                Some("was given to another request")
            }
            Decision::InFlight if !known.runs => Some("was held for nobody"),
            _ => None,
        };
        if let Decision::Run { epoch, resumes, .. } = told {
            let created = if *resumes { known.created } else { now };
            let fingerprint = begin.fingerprint.clone();
            let answer = None;
            *known = Known { fingerprint, created, epoch: *epoch, began: now, runs: true, answer };
        }
        wrong.map(|wrong| format!("I5: the key {} {wrong}", begin.key))
    }

    /// A run ended, and was told whether its answer counts; says what is wrong with that.
    pub fn ended(&mut self, object: &str, end: &Complete, counts: bool) -> Option<String> {
        let at = (object.to_owned(), end.key.clone());
        let known = self.0.get_mut(&at)?;
        let is_newest = known.epoch == end.epoch && known.answer.is_none();
        if counts {
            known.answer.clone_from(&end.answer);
            known.runs = false;
        }
        let told =
            || format!("I5: the run {} under {} ended: it counts is {counts}", end.epoch, end.key);
        (counts != is_newest).then(told)
    }
}
