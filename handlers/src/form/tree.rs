//! The tree that the names of a form's pairs spell.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use domain::ApiError;
use serde::de::DeserializeOwned;

use super::deserializer::{self, Path};
use super::{MAX_DEPTH, MAX_NAME_LENGTH, length_over, shown};

/// The parameters of a request by their outermost names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Node>);

impl Default for Node {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// What a parameter holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// `a=1`.
    Text(String),
    /// `a[b]=1`, and `a[0]=1` too: only the type that is read tells an index from a key, and an index
    /// kept as a key allocates nothing for the places before it.
    Map(BTreeMap<String, Node>),
    /// `a[]=1`.
    List(Vec<Node>),
}

impl Tree {
    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) -> Option<Node> {
        self.0.remove(name)
    }

    /// Takes out a parameter that every endpoint reads alike, as `expand`.
    ///
    /// # Errors
    /// When it is no list of texts.
    pub fn take_texts(&mut self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let path = Path::Root.child(name);
        self.remove(name).map(|node| deserializer::decode(node, &path)).transpose()
    }

    /// Reads the parameters of an endpoint.
    ///
    /// # Errors
    /// When one of them is wrong.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        deserializer::decode(Node::Map(self.0), &Path::Root)
    }

    /// One text for all spellings of the same parameters: a form with its names sorted and its lists
    /// numbered. Two requests with one idempotency key are the same if these are.
    pub fn canonical(&self) -> String {
        let mut pairs = Vec::new();
        for (name, node) in &self.0 {
            flatten(name.clone(), node, &mut pairs);
        }
        // Sorted here because the keys of a map and the places in a list come in different orders.
        pairs.sort_unstable();
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    /// Adds a pair of the form; of a text that is given twice the last one counts.
    pub(super) fn insert(&mut self, name: &str, text: String) -> Result<(), ApiError> {
        check_pair(name, &text)?;
        let (root, segments) = split_name(name)?;
        match self.0.entry(root.to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(branch(&segments, text));
                Ok(())
            }
            Entry::Occupied(entry) => {
                place(entry.into_mut(), &segments, text).map_err(|conflict| {
                    let taken = segments.len().saturating_sub(conflict.left);
                    let param = segments.iter().take(taken).fold(root.to_owned(), spell);
                    if conflict.in_list {
                        ApiError::InvalidArray { param }
                    } else {
                        ApiError::InvalidHash { param }
                    }
                })
            }
        }
    }
}

impl Node {
    /// The elements with their places, or the node itself if it is no list.
    pub(super) fn into_elements(self) -> Result<Vec<(String, Self)>, Self> {
        match self {
            Self::List(nodes) => {
                Ok((0_usize..).map(|place| place.to_string()).zip(nodes).collect())
            }
            Self::Map(children) if is_list(&children) => {
                let mut elements: Vec<_> = children.into_iter().collect();
                elements.sort_unstable_by(|(a, _), (b, _)| {
                    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
                });
                Ok(elements)
            }
            node => Err(node),
        }
    }

    /// The node as an error shows it, in Stripe's (Ruby's) notation.
    ///
    /// Digits are hidden: `source[number]=4242…` is what an old client sends where a token is wanted.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => shown(text),
            node => {
                let mut out = String::new();
                inspect(node, &mut out);
                shown(&out)
            }
        }
    }
}

/// Shows the shape alone: a text may be a card number.
impl fmt::Debug for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => formatter.write_str("…"),
            Self::Map(children) => formatter.debug_map().entries(children).finish(),
            Self::List(nodes) => formatter.debug_list().entries(nodes).finish(),
        }
    }
}

/// One pair of brackets in a name.
#[derive(Clone, Copy)]
enum Segment<'n> {
    /// `[key]` or `[0]`.
    Key(&'n str),
    /// `[]`.
    Append,
}

/// A pair that contradicts an earlier one.
struct Conflict {
    /// How many segments lie beyond the parameter at which they part.
    left: usize,
    /// Whether one of them takes it for a list by `[]`.
    in_list: bool,
}

impl Conflict {
    fn at(node: &Node, rest: &[Segment<'_>]) -> Self {
        let in_list =
            matches!(node, Node::List(_)) || matches!(rest.first(), Some(Segment::Append));
        Self { left: rest.len(), in_list }
    }
}

fn check_pair(name: &str, text: &str) -> Result<(), ApiError> {
    if length_over(name, MAX_NAME_LENGTH).is_some() {
        return Err(ApiError::ParameterInvalid {
            param: shown(name).replace('\0', "\u{fffd}"),
            message: format!(
                "Invalid parameter name: must be at most {MAX_NAME_LENGTH} characters."
            ),
        });
    }
    let part = if name.contains('\0') {
        "name"
    } else if text.contains('\0') {
        "value"
    } else {
        return Ok(());
    };
    Err(ApiError::ParameterInvalid {
        param: name.replace('\0', "\u{fffd}"),
        message: format!("Invalid string: the {part} contains a null character."),
    })
}

/// `a[b][]` is `a`, then the key `b`, then an element.
fn split_name(name: &str) -> Result<(&str, Vec<Segment<'_>>), ApiError> {
    let unknown = || ApiError::UnknownParameter { param: name.to_owned() };
    let Some((root, brackets)) = name.split_once('[') else {
        let whole = !name.is_empty() && !name.contains(']');
        return if whole { Ok((name, Vec::new())) } else { Err(unknown()) };
    };
    let inner = brackets.strip_suffix(']').ok_or_else(unknown)?;
    if root.is_empty() || root.contains(']') {
        return Err(unknown());
    }
    let mut segments = Vec::new();
    for key in inner.split("][") {
        if key.contains(['[', ']']) {
            return Err(unknown());
        }
        segments.push(if key.is_empty() { Segment::Append } else { Segment::Key(key) });
    }
    if segments.len() >= MAX_DEPTH {
        return Err(ApiError::ParameterInvalid {
            param: name.to_owned(),
            message: format!("Parameters can be nested at most {MAX_DEPTH} levels deep."),
        });
    }
    Ok((root, segments))
}

/// Puts a text below a node that is there already.
fn place(mut node: &mut Node, mut rest: &[Segment<'_>], text: String) -> Result<(), Conflict> {
    while let Some((segment, tail)) = rest.split_first() {
        node = match (node, segment) {
            (Node::Map(children), Segment::Key(key)) => match children.entry((*key).to_owned()) {
                Entry::Vacant(entry) => {
                    entry.insert(branch(tail, text));
                    return Ok(());
                }
                Entry::Occupied(entry) => entry.into_mut(),
            },
            (Node::List(nodes), Segment::Append) => {
                if !nodes.last().is_some_and(|last| has_room(last, tail)) {
                    nodes.push(branch(tail, text));
                    return Ok(());
                }
                match nodes.last_mut() {
                    Some(last) => last,
                    // It was there a line ago; the borrow checker cannot carry it over.
                    None => return Err(Conflict { left: rest.len(), in_list: true }),
                }
            }
            (node, _) => return Err(Conflict::at(node, rest)),
        };
        rest = tail;
    }
    match node {
        Node::Text(old) => *old = text,
        node => return Err(Conflict::at(node, rest)),
    }
    Ok(())
}

/// A node of its own for a text.
fn branch(segments: &[Segment<'_>], text: String) -> Node {
    segments.iter().rev().fold(Node::Text(text), |node, segment| match segment {
        Segment::Key(key) => {
            let mut children = BTreeMap::new();
            children.insert((*key).to_owned(), node);
            Node::Map(children)
        }
        Segment::Append => Node::List(vec![node]),
    })
}

/// Whether a text still belongs to an element: `a[][b]=1&a[][c]=2&a[][b]=3` are two, the second
/// starting where `b` repeats.
fn has_room(element: &Node, segments: &[Segment<'_>]) -> bool {
    let mut node = element;
    for segment in segments {
        node = match (node, segment) {
            (Node::Map(children), Segment::Key(key)) => match children.get(*key) {
                Some(child) => child,
                None => return true,
            },
            (Node::List(_), Segment::Append) => return true,
            _ => return false,
        };
    }
    false
}

/// Whether every key is a place in a list, written without leading zeros.
fn is_list(children: &BTreeMap<String, Node>) -> bool {
    let is_place = |key: &String| {
        key == "0" || (!key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit()))
    };
    !children.is_empty() && children.keys().all(is_place)
}

fn spell(name: String, segment: &Segment<'_>) -> String {
    match segment {
        Segment::Key(key) => format!("{name}[{key}]"),
        Segment::Append => format!("{name}[]"),
    }
}

/// Collects the texts below a node with their full names.
fn flatten<'n>(name: String, node: &'n Node, pairs: &mut Vec<(String, &'n str)>) {
    match node {
        Node::Text(text) => pairs.push((name, text)),
        Node::Map(children) => {
            for (key, child) in children {
                flatten(format!("{name}[{key}]"), child, pairs);
            }
        }
        Node::List(nodes) => {
            for (place, child) in nodes.iter().enumerate() {
                flatten(format!("{name}[{place}]"), child, pairs);
            }
        }
    }
}

fn inspect(node: &Node, out: &mut String) {
    match node {
        Node::Text(text) => {
            let hidden = shown(text).replace(|letter: char| letter.is_ascii_digit(), "*");
            out.push_str(&format!("{hidden:?}"));
        }
        Node::Map(children) => {
            for (count, (key, child)) in children.iter().enumerate() {
                out.push_str(if count == 0 { "{" } else { ", " });
                out.push_str(&format!("{key:?}=>"));
                inspect(child, out);
            }
            out.push('}');
        }
        Node::List(nodes) => {
            for (count, child) in nodes.iter().enumerate() {
                out.push_str(if count == 0 { "[" } else { ", " });
                inspect(child, out);
            }
            out.push(']');
        }
    }
}
