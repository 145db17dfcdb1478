//! Tables of what merchants send, and properties over what anybody may send.

use domain::metadata::MetadataUpdate;
use domain::{ApiError, Currency, Patch};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Debug;

use super::*;

fn owned(text: &str) -> String {
    text.to_owned()
}

fn unknown(param: &str) -> ApiError {
    ApiError::UnknownParameter { param: owned(param) }
}

fn missing(param: &str) -> ApiError {
    ApiError::MissingParameter { param: owned(param) }
}

fn empty(param: &str) -> ApiError {
    ApiError::EmptyParameter { param: owned(param) }
}

fn hash(param: &str) -> ApiError {
    ApiError::InvalidHash { param: owned(param) }
}

fn array(param: &str) -> ApiError {
    ApiError::InvalidArray { param: owned(param) }
}

fn integer(param: &str, value: &str) -> ApiError {
    ApiError::InvalidInteger { param: owned(param), value: owned(value) }
}

fn invalid(param: &str, message: &str) -> ApiError {
    ApiError::ParameterInvalid { param: owned(param), message: owned(message) }
}

fn value(form: &str) -> Value {
    decode(form.as_bytes()).unwrap_or_else(|error| panic!("{form}: {error}"))
}

fn refused<T: serde::de::DeserializeOwned + Debug>(form: &str) -> ApiError {
    decode::<T>(form.as_bytes()).expect_err(form)
}

fn canonical(form: &str) -> String {
    parse(form.as_bytes()).unwrap_or_else(|error| panic!("{form}: {error}")).canonical()
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Order {
    amount: i64,
    month: Option<u8>,
    confirm: Option<bool>,
    capture: Option<Capture>,
    description: Patch<String>,
    name: String,
    currency: Option<Currency>,
    card: Option<Card>,
    items: Option<Vec<Item>>,
    tags: Vec<String>,
    flags: Vec<bool>,
    corners: Option<(i64, i64)>,
    #[serde(deserialize_with = "domain::patch::named")]
    metadata: Option<MetadataUpdate>,
    types: Option<Vec<String>>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Capture {
    Automatic,
    Manual,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    number: String,
    checks: Option<Box<Card>>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    price: String,
    quantity: Option<i64>,
}

#[test]
fn names_spell_a_tree() {
    let cases = [
        ("", json!({})),
        ("&&", json!({})),
        ("a", json!({ "a": "" })),
        ("a=1", json!({ "a": "1" })),
        ("a=1&a=2", json!({ "a": "2" })),
        ("a[b]=1", json!({ "a": { "b": "1" } })),
        ("a%5Bb%5D=1", json!({ "a": { "b": "1" } })),
        ("a[b][c]=1&a[b][d]=2&a[e]=3", json!({ "a": { "b": { "c": "1", "d": "2" }, "e": "3" } })),
        ("a[]=x&b=1&a[]=y", json!({ "a": ["x", "y"], "b": "1" })),
        ("a[]=x&a[]=x", json!({ "a": ["x", "x"] })),
        ("a[0]=x&a[1]=y", json!({ "a": ["x", "y"] })),
        ("a[10]=z&a[2]=y&a[0]=x", json!({ "a": ["x", "y", "z"] })),
        ("a[99999999999999999999999]=y&a[7]=x", json!({ "a": ["x", "y"] })),
        ("a[0]=x&a[0]=y", json!({ "a": ["y"] })),
        ("a[0]=x&a[b]=y", json!({ "a": { "0": "x", "b": "y" } })),
        ("a[00]=x", json!({ "a": { "00": "x" } })),
        ("a[1][b]=3&a[0][b]=1&a[0][c]=2", json!({ "a": [{ "b": "1", "c": "2" }, { "b": "3" }] })),
        ("a[][b]=1&a[][c]=2&a[][b]=3", json!({ "a": [{ "b": "1", "c": "2" }, { "b": "3" }] })),
        ("a[][b][]=1&a[][b][]=2", json!({ "a": [{ "b": ["1", "2"] }] })),
        ("a[][b][c]=1&a[][b][d]=2", json!({ "a": [{ "b": { "c": "1", "d": "2" } }] })),
        ("a[][b][c]=1&a[][b][c]=2", json!({ "a": [{ "b": { "c": "1" } }, { "b": { "c": "2" } }] })),
        ("a[][b]=1&a[]=x", json!({ "a": [{ "b": "1" }, "x"] })),
        ("a=b+c%26d%3D%F0%9F%92%B6", json!({ "a": "b c&d=💶" })),
        ("a=%EF%BF%BD\u{fffd}", json!({ "a": "\u{fffd}\u{fffd}" })),
        ("a=100%&b=%zz", json!({ "a": "100%", "b": "%zz" })),
        ("a[b][c][d][e][f][g][h]=1", json!({"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":"1"}}}}}}}})),
    ];
    for (form, expected) in cases {
        assert_eq!(value(form), expected, "{form}");
    }
}

#[test]
fn wrong_names_and_contradictions_are_refused() {
    let deep = "Parameters can be nested at most 8 levels deep.";
    let cases = [
        ("a[b=1", unknown("a[b")),
        ("a]b=1", unknown("a]b")),
        ("a]b[c]=1", unknown("a]b[c]")),
        ("[x]=1", unknown("[x]")),
        ("=1", unknown("")),
        ("a[b]c=1", unknown("a[b]c")),
        ("a[b]c[d]=1", unknown("a[b]c[d]")),
        ("a[b]]=1", unknown("a[b]]")),
        ("a[[b]]=1", unknown("a[[b]]")),
        ("a[=1", unknown("a[")),
        ("a[b][c][d][e][f][g][h][i]=1", invalid("a[b][c][d][e][f][g][h][i]", deep)),
        ("a=1&a[b]=2", hash("a")),
        ("a[b]=2&a=1", hash("a")),
        ("a[b]=1&a[b][c]=2", hash("a[b]")),
        ("a[b][c]=1&a[b]=2", hash("a[b]")),
        ("a=1&a[]=2", array("a")),
        ("a[]=1&a=2", array("a")),
        ("a[]=1&a[0]=2", array("a")),
        ("a[b][0]=1&a[b][]=2", array("a[b]")),
        ("a=1%00", invalid("a", "Invalid string: the value contains a null character.")),
        ("a%00b=1", invalid("a\u{fffd}b", "Invalid string: the name contains a null character.")),
    ];
    for (form, error) in cases {
        assert_eq!(refused::<Value>(form), error, "{form}");
    }
}

#[test]
fn what_is_not_utf_8_is_refused() {
    let bodies: [&[u8]; 7] =
        [b"a=\xff", b"\xc3=1", b"a=%FF", b"%C3=1", b"a=%E2%82&b=%AC", b"a=%ED%A0%80", b"a=\xE2%82"];
    for body in bodies {
        let message = owned("Invalid request: the body is not valid UTF-8.");
        assert_eq!(decode::<Value>(body), Err(ApiError::InvalidBody { message }), "{body:?}");
    }
    assert_eq!(decode::<Value>(b"a=\xE2%82%AC"), Ok(json!({ "a": "€" })));
}

#[test]
fn parameters_are_read_by_type() {
    let cases = [
        ("", Order::default()),
        ("amount=-5&month=12", Order { amount: -5, month: Some(12), ..Order::default() }),
        ("amount=9223372036854775807", Order { amount: i64::MAX, ..Order::default() }),
        ("amount=-9223372036854775808", Order { amount: i64::MIN, ..Order::default() }),
        ("confirm=true", Order { confirm: Some(true), ..Order::default() }),
        ("confirm=false", Order { confirm: Some(false), ..Order::default() }),
        ("capture=manual", Order { capture: Some(Capture::Manual), ..Order::default() }),
        ("description=", Order { description: Patch::Clear, ..Order::default() }),
        ("description=x", Order { description: Patch::Set(owned("x")), ..Order::default() }),
        ("tags[]=x&tags[]=y", Order { tags: vec![owned("x"), owned("y")], ..Order::default() }),
        ("corners[1]=2&corners[0]=1", Order { corners: Some((1, 2)), ..Order::default() }),
        ("types[0]=card", Order { types: Some(vec![owned("card")]), ..Order::default() }),
        (
            "items[1][price]=b&items[0][price]=a&items[0][quantity]=2",
            Order {
                items: Some(vec![
                    Item { price: owned("a"), quantity: Some(2) },
                    Item { price: owned("b"), quantity: None },
                ]),
                ..Order::default()
            },
        ),
    ];
    for (form, order) in cases {
        assert_eq!(decode::<Order>(form.as_bytes()), Ok(order), "{form}");
    }
}

#[test]
fn what_does_not_fit_names_its_parameter() {
    let empty = |param| ApiError::EmptyParameter { param: owned(param) };
    let cases = [
        ("month=", empty("month")),
        ("confirm=", empty("confirm")),
        ("capture=", empty("capture")),
        ("card=", empty("card")),
        ("items=", empty("items")),
        ("nope=1", unknown("nope")),
        ("card[number]=1&card[nope]=1", unknown("card[nope]")),
        ("card[number]=1&card[checks][nope]=1", unknown("card[checks][nope]")),
        ("items[3][nope]=1", unknown("items[3][nope]")),
        ("items[][nope]=1", unknown("items[0][nope]")),
        ("card[checks]=", missing("card[number]")),
        ("items[0][price]=a&items[1][quantity]=1", missing("items[1][price]")),
        ("amount=", empty("amount")),
        ("name=", empty("name")),
        ("card[number]=", empty("card[number]")),
        ("tags=", empty("tags")),
        ("tags[]=x&tags[]=", empty("tags[1]")),
        ("items[0]=", empty("items[0]")),
        ("flags[]=true&flags[]=", empty("flags[1]")),
        ("card=1", hash("card")),
        ("card[]=1", hash("card")),
        ("metadata=1", hash("metadata")),
        ("metadata[]=1", hash("metadata")),
        ("tags=x", array("tags")),
        ("tags[a]=x", array("tags")),
        ("corners[]=1&corners[]=2&corners[]=3", array("corners")),
        ("currency=zzz", invalid("currency", &Currency::parse("zzz").expect_err("no").to_string())),
    ];
    for (form, error) in cases {
        assert_eq!(refused::<Order>(form), error, "{form}");
    }
}

#[test]
fn scalars_are_strict() {
    for text in
        ["1.5", "1e3", "+1", " 1", "1 ", "-", "--1", "1_000", "0x1", "٣", "9223372036854775808"]
    {
        let form = format!("amount={}", text.replace('+', "%2B"));
        assert_eq!(refused::<Order>(&form), integer("amount", text), "{text}");
    }
    let capture = |value: &str| ApiError::InvalidEnum {
        param: owned("capture"),
        value: owned(value),
        allowed: vec!["automatic", "manual"],
    };
    let cases = [
        ("month=256", integer("month", "256")),
        ("month=-1", integer("month", "-1")),
        ("amount[a]=b", integer("amount", r#"{"a"=>"b"}"#)),
        ("confirm=True", invalid("confirm", "Invalid boolean: True")),
        ("confirm=1", invalid("confirm", "Invalid boolean: 1")),
        ("confirm[]=x", invalid("confirm", r#"Invalid boolean: ["x"]"#)),
        ("capture=later", capture("later")),
        ("capture=Manual", capture("Manual")),
        ("capture[a]=b", invalid("capture", r#"Invalid string: {"a"=>"b"}"#)),
        ("name[a]=b", invalid("name", r#"Invalid string: {"a"=>"b"}"#)),
        ("name[a][]=b&name[c]=d", invalid("name", r#"Invalid string: {"a"=>["b"], "c"=>"d"}"#)),
        ("description[a]=b", invalid("description", r#"Invalid string: {"a"=>"b"}"#)),
        ("metadata[a][b]=c", invalid("metadata[a]", r#"Invalid string: {"b"=>"c"}"#)),
    ];
    for (form, error) in cases {
        assert_eq!(refused::<Order>(form), error, "{form}");
    }
}

#[test]
fn a_card_number_is_not_shown() {
    let form = "name[number]=4242424242424242&name[cvc]=123";
    let error = invalid("name", r#"Invalid string: {"cvc"=>"***", "number"=>"****************"}"#);
    assert_eq!(refused::<Order>(form), error);
    let tree = parse(b"number=4242424242424242&card[number][]=4242424242424242").expect("a tree");
    assert_eq!(format!("{tree:?}"), r#"Tree({"card": {"number": […]}, "number": …})"#);
}

#[test]
fn texts_are_bounded() {
    for (letter, bytes) in [("x", 1), ("é", 2)] {
        let text = letter.repeat(MAX_TEXT_LENGTH);
        assert_eq!(text.len(), MAX_TEXT_LENGTH * bytes);
        let order = decode::<Order>(format!("name={text}").as_bytes());
        assert_eq!(order, Ok(Order { name: text.clone(), ..Order::default() }));
        for param in ["name", "metadata[a]"] {
            let (length, limit) = (MAX_TEXT_LENGTH + 1, MAX_TEXT_LENGTH);
            let error = ApiError::StringTooLong { param: owned(param), length, limit };
            let form = format!("{param}={text}{letter}");
            assert_eq!(refused::<Order>(&form), error);
            assert_eq!(refused::<Value>(&form), error);
        }
    }
}

#[test]
fn metadata_keeps_empty_values_and_numeric_keys() {
    let merge = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(key, value)| (owned(key), owned(value)));
        Some(MetadataUpdate::Merge(pairs.collect()))
    };
    let cases = [
        ("", None),
        ("metadata=", Some(MetadataUpdate::Clear)),
        ("metadata[a]=1&metadata[b]=", merge(&[("a", "1"), ("b", "")])),
        ("metadata[5]=x", merge(&[("5", "x")])),
    ];
    for (form, metadata) in cases {
        assert_eq!(decode(form.as_bytes()), Ok(Order { metadata, ..Order::default() }), "{form}");
    }
    let map: BTreeMap<String, BTreeMap<String, String>> = decode(b"metadata[0]=x").expect("a map");
    assert_eq!(map["metadata"]["0"], "x");
}

#[test]
fn a_type_may_look_before_it_decides() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged, expecting = "Invalid account.")]
    enum Account {
        Id(String),
        Ids(Vec<String>),
        New { name: String },
    }
    type Accounts = BTreeMap<String, Account>;
    let cases = [
        ("a=", Account::Id(String::new())),
        ("a=x", Account::Id(owned("x"))),
        ("a[0]=x", Account::Ids(vec![owned("x")])),
        ("a[name]=x", Account::New { name: owned("x") }),
    ];
    for (form, account) in cases {
        let accounts: Accounts = decode(form.as_bytes()).expect(form);
        assert_eq!(accounts["a"], account, "{form}");
    }
    assert_eq!(refused::<Accounts>("a[nope]=x"), invalid("a", "Invalid account."));
}

#[test]
fn texts_are_taken_out_before_the_rest_is_read() {
    for (form, texts) in [
        ("amount=1", Ok(None)),
        ("amount=1&expand[]=a&expand[]=b", Ok(Some(vec![owned("a"), owned("b")]))),
        ("amount=1&expand[1]=b&expand[0]=a", Ok(Some(vec![owned("a"), owned("b")]))),
        ("amount=1&expand=a", Err(array("expand"))),
        ("amount=1&expand[a]=b", Err(array("expand"))),
        ("amount=1&expand[0][a]=b", Err(invalid("expand[0]", r#"Invalid string: {"a"=>"b"}"#))),
        ("amount=1&expand[]=", Err(empty("expand[0]"))),
    ] {
        let mut tree = parse(form.as_bytes()).expect(form);
        assert_eq!(tree.take_texts("expand"), texts, "{form}");
        assert_eq!(tree.decode(), Ok(Order { amount: 1, ..Order::default() }), "{form}");
    }
    let mut tree = parse(b"a=1").expect("a tree");
    assert_eq!(tree.remove("a"), Some(Node::Text(owned("1"))));
    assert_eq!(tree.remove("a"), None);
}

#[test]
fn spellings_of_the_same_parameters_have_one_canonical_text() {
    let eleven = (0..11).map(|place| format!("a[{place}]=x{place}")).collect::<Vec<_>>().join("&");
    let appended = (0..11).map(|place| format!("a[]=x{place}")).collect::<Vec<_>>().join("&");
    let same = [
        ("a[]=x", "a[0]=x"),
        ("a[]=x&a[]=y", "a[1]=y&a[0]=x"),
        ("b=1&a=2", "a=2&b=1"),
        ("a=1&a=2", "a=2"),
        ("a=b%20c", "a=b+c"),
        ("a%5Bb%5D=1", "a[b]=1"),
        ("a[][b]=1&a[][c]=2", "a[0][c]=2&a[0][b]=1"),
        (&eleven, &appended),
    ];
    for (one, other) in same {
        assert_eq!(canonical(one), canonical(other));
    }
    let different = [
        ("a=1", "a=2"),
        ("a=1", "b=1"),
        ("a=", ""),
        ("a[0]=x", "a[5]=x"),
        ("a[]=x&a[]=y", "a[]=y&a[]=x"),
        ("a[][b]=1&a[][c]=2", "a[0][b]=1&a[1][c]=2"),
        ("a=1%26b%3D2", "a=1&b=2"),
        ("a[b]=1", "a=b%3D1"),
    ];
    for (one, other) in different {
        assert_ne!(canonical(one), canonical(other));
    }
    assert_eq!(canonical("b[x]=1&a[]=%26+2"), "a%5B0%5D=%26+2&b%5Bx%5D=1");
}

#[test]
fn limits_are_reached_and_not_passed() {
    let many = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    assert_eq!(value(&many(MAX_PARAMETERS)).as_object().map(|map| map.len()), Some(1_000));
    let too_many = ApiError::InvalidBody {
        message: owned("Invalid request: a request can have at most 1000 parameters."),
    };
    assert_eq!(refused::<Value>(&many(MAX_PARAMETERS + 1)), too_many);
    let name = "é".repeat(MAX_NAME_LENGTH);
    assert_eq!(value(&format!("{name}=1"))[&name], "1");
    let message = "Invalid parameter name: must be at most 500 characters.";
    let start = format!("{}…", "é".repeat(100));
    assert_eq!(refused::<Value>(&format!("{name}é=1")), invalid(&start, message));
}

#[test]
fn hostile_bodies_are_refused_with_a_short_sentence() {
    let megabyte = 1 << 20;
    let bodies = [
        (0..10_000).map(|n| format!("a[{n}]=1&")).collect::<String>(),
        "a[]=1&".repeat(megabyte / 6),
        "a[][b]=1&".repeat(megabyte / 9),
        "a".repeat(megabyte),
        format!("a{}=1", "[b]".repeat(megabyte / 3)),
        format!("a{}=1", "[]".repeat(100)),
        format!("a{}=1", "[".repeat(megabyte)),
        format!("amount={}", "1".repeat(megabyte)),
        format!("name={}", "é".repeat(megabyte / 2)),
        format!("name[x]={}", "x".repeat(megabyte)),
        format!("capture={}", "x".repeat(megabyte / 256)),
    ];
    for body in bodies {
        let error = refused::<Order>(&body);
        let parts = error.parts();
        let start: String = body.chars().take(20).collect();
        assert_eq!(error.status(), 400, "{start}");
        assert!(parts.message.len() < 1_000, "{start}: {}", parts.message.len());
        assert!(parts.param.is_none_or(|param| param.len() < 1_000), "{start}");
    }
    // Where the element before is searched for room.
    let wide = (0..999).map(|n| format!("a[][k{n}]=1")).collect::<Vec<_>>().join("&");
    assert_eq!(value(&wide)["a"].as_array().map(Vec::len), Some(1));
}

/// A text or key with what is special in forms, but for what a key cannot hold.
fn key() -> impl Strategy<Value = String> {
    "[a-z_%&=+. é💶][a-z0-9_%&=+. é]{0,4}"
}

/// What a form can say: nothing is empty but a text.
fn node(depth: u32) -> impl Strategy<Value = Value> {
    let text = "[^\\x00]{0,8}".prop_map(Value::String);
    text.prop_recursive(depth, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Value::Array),
            prop::collection::btree_map(key(), inner, 1..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn form() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(key(), node(7), 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

/// The pairs of a node; a list of texts by `[]` if wanted, and else by index.
fn spell(name: &str, node: &Value, appends: bool, pairs: &mut Vec<(String, String)>) {
    match node {
        Value::Object(map) => {
            for (key, child) in map {
                let name = if name.is_empty() { key.clone() } else { format!("{name}[{key}]") };
                spell(&name, child, appends, pairs);
            }
        }
        Value::Array(nodes) => {
            let appends_here = appends && nodes.iter().all(Value::is_string);
            for (place, child) in nodes.iter().enumerate() {
                let place = if appends_here { String::new() } else { place.to_string() };
                spell(&format!("{name}[{place}]"), child, appends, pairs);
            }
        }
        leaf => pairs.push((owned(name), owned(leaf.as_str().expect("a text")))),
    }
}

fn encode(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

proptest! {
    #[test]
    fn what_is_encoded_is_read_back(tree in form(), appends: bool) {
        let mut pairs = Vec::new();
        spell("", &tree, appends, &mut pairs);
        prop_assert_eq!(value(&encode(&pairs)), tree);
    }

    #[test]
    fn order_and_spelling_of_lists_leave_the_canonical_text(
        (tree, order) in form().prop_flat_map(|tree| {
            let mut pairs = Vec::new();
            spell("", &tree, false, &mut pairs);
            (Just(tree), Just(pairs).prop_shuffle())
        }),
    ) {
        let mut pairs = Vec::new();
        spell("", &tree, true, &mut pairs);
        let text = canonical(&encode(&pairs));
        prop_assert_eq!(&canonical(&encode(&order)), &text);
        prop_assert_eq!(&canonical(&text), &text);
        prop_assert_eq!(value(&text), tree);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        answers(&bytes)?;
    }

    #[test]
    fn anything_like_a_form_is_read_or_refused(
        text in "((amount|name|card|items|tags|metadata|number|a|0|1|\\[|\\]|\\[\\]|\\[b\\]|=|&|%|%5B|%FF|%00|é|-|true)){0,30}",
    ) {
        answers(text.as_bytes())?;
    }
}

fn answers(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(tree) = parse(bytes) else { return check(parse(bytes)) };
    let text = tree.canonical();
    prop_assert_eq!(parse(text.as_bytes()).expect("a canonical text").canonical(), text);
    check(decode::<Value>(bytes))?;
    check(decode::<Order>(bytes))?;
    check(decode::<BTreeMap<String, String>>(bytes))?;
    check(decode::<Vec<Item>>(bytes))?;
    check(decode::<String>(bytes))?;
    check(decode::<Capture>(bytes))
}

fn check<T>(result: Result<T, ApiError>) -> Result<(), TestCaseError> {
    if let Err(error) = result {
        prop_assert_eq!(error.status(), 400);
    }
    Ok(())
}
