//! The trace of a run: a digest of everything that happens, and on request the steps in words.

use std::fmt::{self, Display};

use crate::random::mix;

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The world itself: weather, clocks, crashes.
    World,
    /// A merchant's client, by its number.
    Client(u32),
    /// An invocation of the Worker for that client's request.
    Worker(u32),
    /// A lane of the heartbeat.
    Lane(&'static str),
    /// A consumer of a queue.
    Consumer(&'static str),
    /// The object of an endpoint.
    Object,
    /// The payment processor.
    Processor,
    /// A merchant's endpoint.
    Endpoint,
    /// The cardholder of that client.
    Cardholder(u32),
    /// Who sends the notice of that number in the processor's name.
    Teller(u32),
}

impl Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World => formatter.write_str("world"),
            Self::Client(number) => write!(formatter, "client {number}"),
            Self::Worker(number) => write!(formatter, "worker for {number}"),
            Self::Lane(name) => write!(formatter, "lane {name}"),
            Self::Consumer(name) => write!(formatter, "consumer of {name}"),
            Self::Object => formatter.write_str("endpoint's object"),
            Self::Processor => formatter.write_str("processor"),
            Self::Endpoint => formatter.write_str("endpoint"),
            Self::Cardholder(number) => write!(formatter, "cardholder {number}"),
            Self::Teller(number) => write!(formatter, "notice {number}"),
        }
    }
}

/// What happened so far.
#[derive(Debug, Default)]
pub struct Trace {
    digest: u64,
    steps: u64,
    /// The steps in words, where they are wanted.
    lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace that keeps its steps in words.
    pub fn in_words() -> Self {
        Self { lines: Some(Vec::new()), ..Self::default() }
    }

    /// Adds a step: it counts by its number, and its words are made only where they are wanted.
    pub fn add(&mut self, now: i64, actor: Actor, number: u64, words: impl FnOnce() -> String) {
        self.steps += 1;
        let moment = u64::try_from(now).unwrap_or_default();
        self.digest = mix(self.digest ^ mix(moment ^ number.rotate_left(17)));
        if let Some(lines) = &mut self.lines {
            let (seconds, rest) = (now / 1_000, now % 1_000);
            lines.push(format!("{seconds:>7}.{rest:03} {actor:<20} {}", words()));
        }
    }

    /// Two runs in which the same happened have the same digest.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// How many steps there were.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The steps in words; none unless they were wanted.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}

/// A number that stands for bytes.
pub fn digest(bytes: &[u8]) -> u64 {
    let mut sum = bytes.len() as u64;
    for part in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    mix(sum)
}
