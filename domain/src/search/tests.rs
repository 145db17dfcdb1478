use proptest::prelude::*;

use super::*;
use crate::{ApiError, Timestamp};

fn parse(text: &str) -> Result<Query, ApiError> {
    Query::parse(text, Searched::Charges)
}

fn shown(text: &str, searched: Searched) -> String {
    match Query::parse(text, searched) {
        Ok(query) => query.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn queries_are_read() {
    let cases = [
        // The examples of Stripe's own page.
        (r#"metadata['key']:'value'"#, r#"metadata["key"]:"value""#),
        ("payment_method_details.card.last4:4242", r#"payment_method_details.card.last4:"4242""#),
        ("-currency:'usd'", r#"-currency:"usd""#),
        ("amount>1000", "amount>1000"),
        (
            "metadata['key']:'value' AND currency:'usd'",
            r#"metadata["key"]:"value" AND currency:"usd""#,
        ),
        ("status:\"active\" AND amount:500", r#"status:"active" AND amount:500"#),
        ("currency:\"usd\" OR currency:\"eur\"", r#"currency:"usd" OR currency:"eur""#),
        ("-metadata[\"donation-id\"]:null", r#"-metadata["donation-id"]:null"#),
        ("amount>=\"10\"", "amount>=10"),
        // What the page says of them.
        ("currency:\"USD\" status:'x'", r#"currency:"usd" AND status:"x""#),
        (
            "currency:\"a\" and currency:'b' And currency:'c'",
            r#"currency:"a" AND currency:"b" AND currency:"c""#,
        ),
        ("currency:\"a\" or currency:'b'", r#"currency:"a" OR currency:"b""#),
        ("refunded:NULL", "refunded:null"),
        ("refunded:\"null\"", r#"refunded:"null""#),
        ("  amount = 5  ", "amount:5"),
        ("amount<-5 -amount<=7", "amount<-5 AND -amount<=7"),
        (r#"metadata["a \"b\" \\ c\d"]:'it\'s'"#, r#"metadata["a \"b\" \\ c\\d"]:"it's""#),
        ("customer:\"cus_Ab\"", r#"customer:"cus_Ab""#),
        ("payment_method_details.card.last4:0042", r#"payment_method_details.card.last4:"0042""#),
    ];
    for (text, wanted) in cases {
        assert_eq!(shown(text, Searched::Charges), wanted, "{text}");
    }
    assert_eq!(shown("email~'AMY' name:'a'", Searched::Customers), r#"email~"amy" AND name:"a""#);
}

#[test]
fn other_texts_are_refused() {
    let unreadable = "We were unable to parse your search query.";
    let cases = [
        ("", unreadable),
        ("   ", unreadable),
        ("asdf", unreadable),
        ("status", unreadable),
        ("status:", unreadable),
        ("status:succeeded", unreadable),
        ("status:\"x", unreadable),
        ("status:\"x\\", unreadable),
        ("status:\"x\"currency:\"y\"", unreadable),
        ("status:\"x\" AND", unreadable),
        ("AND status:\"x\"", unreadable),
        ("status:\"x\" OR AND status:\"y\"", unreadable),
        ("--status:\"x\"", unreadable),
        ("metadata[key]:\"x\"", unreadable),
        ("metadata[\"key\":\"x\"", unreadable),
        ("amount:1.5", unreadable),
        ("(amount:1)", unreadable),
        (
            "metadata:\"x\"",
            "Field `metadata` is an unsupported search field for resource `charges`.",
        ),
        ("foo:\"x\"", "Field `foo` is an unsupported search field for resource `charges`."),
        ("email:\"x\"", "Field `email` is an unsupported search field for resource `charges`."),
        ("status~\"succ\"", "The operator `~` is not supported for the field `status`."),
        ("status>\"succ\"", "The operator `>` is not supported for the field `status`."),
        ("currency=\"usd\"", "The operator `=` is not supported for the field `currency`."),
        ("amount~\"100\"", "The operator `~` is not supported for the field `amount`."),
        (
            "metadata[\"a\"]~\"100\"",
            "The operator `~` is not supported for the field `metadata[\"a\"]`.",
        ),
        ("amount>null", "The operator `>` cannot be used with null."),
        ("amount:\"1.5\"", "The field `amount` must be compared with an integer."),
        ("amount:99999999999999999999", "The field `amount` must be compared with an integer."),
        ("status:'a' AND status:'b' OR status:'c'", "You cannot combine AND and OR"),
        ("status:'a' status:'b' OR status:'c'", "You cannot combine AND and OR"),
    ];
    for (text, wanted) in cases {
        let error = shown(text, Searched::Charges);
        assert!(error.starts_with(wanted), "{text}: {error}");
    }
    let short = shown("email~\"am\"", Searched::Customers);
    assert_eq!(short, "The substring that `email` is searched by must have at least 3 characters.");
}

#[test]
fn a_query_has_at_most_ten_clauses() {
    let of = |count: usize| vec!["amount>1"; count].join(" AND ");
    assert!(parse(&of(10)).is_ok());
    assert!(parse(&of(11)).is_err());
}

/// An object with one value in every field.
struct Same(Option<&'static str>);

impl Searchable for Same {
    fn value(&self, _field: &Field) -> Value<'_> {
        Value::from(self.0)
    }
}

#[test]
fn texts_match_without_regard_to_case() {
    let cases = [
        // Some words of a text find it, in their order and one right after the other.
        ("name:'one two three'", Some("one two three"), true),
        ("name:'one two three'", Some("One Two  THREE four"), true),
        ("name:'one three'", Some("one two three"), false),
        ("name:'two one'", Some("one two three"), false),
        ("name:'on'", Some("one two three"), false),
        ("name:''", Some("one"), false),
        ("name:'MÜLLER'", Some("Anna Müller"), true),
        ("name~'ne tw'", Some("ONE TWO"), true),
        // An address for mail is one word.
        ("email:'Amy@Example.com'", Some("amy@EXAMPLE.com"), true),
        ("email:'amy'", Some("amy@example.com"), false),
        ("email~'amy'", Some("xamy@example.com"), true),
        ("metadata['k']:'Value'", Some("vALUE"), true),
        ("metadata['k']:'Value'", Some("value 2"), false),
        // What is absent is nothing but absent.
        ("metadata['k']:null", None, true),
        ("-metadata['k']:null", None, false),
        ("metadata['k']:'x'", None, false),
        ("-metadata['k']:'x'", None, true),
        ("created>0", None, false),
        ("-created>0", None, true),
    ];
    for (text, value, wanted) in cases {
        let query = Query::parse(text, Searched::Customers).expect("a query");
        assert_eq!(query.matches(&Same(value)), wanted, "{text} {value:?}");
    }
    let customer = Query::parse("customer:'cus_A'", Searched::Charges).expect("a query");
    assert!(customer.matches(&Same(Some("cus_A"))));
    assert!(!customer.matches(&Same(Some("cus_a"))));
}

/// An object that knows when it was made, and nothing else.
struct Made(i64);

impl Searchable for Made {
    fn value(&self, field: &Field) -> Value<'_> {
        match field {
            Field::Created => Value::Number(Timestamp(self.0).seconds()),
            _ => Value::Absent,
        }
    }
}

#[test]
fn clauses_are_joined() {
    let cases = [
        ("created>1 created<3", true),
        ("created>1 created<2", false),
        ("created<2 OR created:2", true),
        ("created<2 OR created>2", false),
        ("created>=2 created<=2", true),
    ];
    for (text, wanted) in cases {
        assert_eq!(parse(text).expect("a query").matches(&Made(2)), wanted, "{text}");
    }
}

fn a_field() -> impl Strategy<Value = Field> {
    let named = prop::sample::select(Searched::Charges.fields().to_vec());
    prop_oneof![named, any::<String>().prop_map(Field::Metadata)]
}

fn a_clause() -> impl Strategy<Value = Clause> {
    (any::<bool>(), a_field(), any::<String>(), any::<i64>(), 0..6_u8).prop_map(
        |(negated, field, text, number, choice)| {
            let comparison = match choice {
                0 => Comparison::Equal,
                1 => Comparison::Greater,
                2 => Comparison::GreaterOrEqual,
                3 => Comparison::Less,
                _ => Comparison::LessOrEqual,
            };
            let condition = match field.kind() {
                _ if choice == 5 => Condition::Absent,
                field::Kind::Numeric => Condition::Compares(comparison, number),
                _ if field.ignores_case() => Condition::Is(fold(&text)),
                _ => Condition::Is(text),
            };
            Clause { negated, field, condition }
        },
    )
}

proptest! {
    #[test]
    fn any_text_is_refused_or_read_as_it_is_shown(text in any::<String>()) {
        if let Ok(query) = parse(&text) {
            prop_assert_eq!(parse(&query.to_string()), Ok(query));
        }
    }

    #[test]
    fn what_looks_like_a_query_is_refused_or_read_as_it_is_shown(
        text in "(-?(amount|status|metadata\\[\"?[a\\\\\"']?\"?\\]|é)[ :~<>=]{0,2}[\"'\\\\a1 -]{0,4}( AND | OR | )?){0,4}"
    ) {
        if let Ok(query) = parse(&text) {
            prop_assert_eq!(parse(&query.to_string()), Ok(query));
        }
    }

    #[test]
    fn a_query_is_read_as_it_is_shown(
        any_of in any::<bool>(),
        clauses in prop::collection::vec(a_clause(), 1..=MAX_CLAUSES),
    ) {
        let join = if any_of && clauses.len() > 1 { Join::Any } else { Join::All };
        let query = Query { join, clauses };
        prop_assert_eq!(parse(&query.to_string()), Ok(query));
    }
}
