use super::*;
use crate::charge;
use crate::id::{ChargeId, Id, RefundId};
use crate::money::Money;
use crate::refund;

fn money_of(amount: i64, code: &str) -> Money {
    let currency = Currency::parse(code).expect("a currency");
    Money { amount: Amount::new(amount).expect("an amount"), currency }
}

fn charge(amount: Money) -> Charge {
    Charge {
        id: ChargeId::parse("ch_1").expect("an id"),
        livemode: false,
        created: Timestamp(1_767_225_600),
        version: 1,
        amount,
        captured: amount.amount,
        released: Amount::ZERO,
        refunded: Amount::ZERO,
        status: charge::Status::Succeeded,
        disputed: false,
        payment_intent: None,
        customer: None,
        payment_method: None,
        details: charge::Details {
            receipt_url: Some("https://florin.test/receipts/1_a".to_owned()),
            ..charge::Details::default()
        },
    }
}

/// Gives some of a charge back, and the refund for it.
fn refund(charge: &mut Charge, amount: i64, status: Status) -> Refund {
    let amount = money_of(amount, charge.amount.currency.code());
    charge.refunded = charge.refunded.plus(amount.amount).expect("an amount");
    Refund {
        id: RefundId::parse("re_1").expect("an id"),
        livemode: false,
        created: charge.created.plus(86_400),
        version: 1,
        amount,
        status,
        charge: charge.id.clone(),
        payment_intent: None,
        pending_operation: None,
        details: refund::Details::default(),
    }
}

fn receipt(charge: &Charge, refunds: &[Refund]) -> Receipt {
    Receipt::new("Ada's Books", "1234-5678".to_owned(), charge, refunds)
}

/// What the page says, without its style.
fn page(receipt: &Receipt) -> String {
    let document = receipt.document(String::new(), Format::Html);
    let page = String::from_utf8(document.bytes).expect("a text");
    page.split("<body>").nth(1).expect("a body").to_owned()
}

/// The texts of a PDF that holds nothing compressed.
fn paper(receipt: &Receipt) -> Vec<u8> {
    receipt.document(String::new(), Format::Pdf).bytes
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn amounts_have_the_decimals_of_their_currency() {
    for (amount, code, text, on_paper) in [
        (123_456, "usd", "$1,234.56", b"($1,234.56) Tj".as_slice()),
        (500, "jpy", "¥500", b"<A5353030> Tj"),
        (1_500, "kwd", "1.500 KWD", b"(1.500 KWD) Tj"),
        (999, "eur", "€9.99", b"<80392E3939> Tj"),
    ] {
        let receipt = receipt(&charge(money_of(amount, code)), &[]);
        assert!(page(&receipt).contains(&format!("<td class=\"amount\">{text}</td>")), "{text}");
        assert_eq!(receipt.paid, text);
        assert!(holds(&paper(&receipt), on_paper), "{text}");
    }
}

#[test]
fn what_people_named_is_text_and_nothing_else() {
    let mut charge = charge(money_of(2_000, "usd"));
    charge.details.description = Some("<script>alert(1)</script> \"&amp;\" \u{202e}".to_owned());
    let merchant = "</title><img src=x onerror=alert(1)>";
    let receipt = Receipt::new(merchant, "1234-5678".to_owned(), &charge, &[]);
    let page = receipt.document(String::new(), Format::Html).bytes;
    let page = String::from_utf8(page).expect("a text");
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert!(page.contains("<bdi>&lt;script&gt;alert(1)&lt;/script&gt; &quot;&amp;amp;&quot;"));
    // Parentheses and backslashes would end a text of a PDF.
    charge.details.description = Some("a) Tj ET \\".to_owned());
    assert!(holds(&receipt_of(&charge), b"(a\\) Tj ET \\\\) Tj"));
}

fn receipt_of(charge: &Charge) -> Vec<u8> {
    paper(&receipt(charge, &[]))
}

#[test]
fn refunds_are_listed_and_what_is_left() {
    let mut charge = charge(money_of(2_000, "usd"));
    let first = refund(&mut charge, 500, Status::Succeeded);
    let second = refund(&mut charge, 700, Status::Pending);
    let before = receipt(&charge, std::slice::from_ref(&first)).version();
    let both = receipt(&charge, &[second, first]);
    let page = page(&both);
    for text in [
        "Refund, 2 January 2026</bdi></td><td class=\"amount\">-$5.00",
        "Refund on its way, 2 January 2026</bdi></td><td class=\"amount\">-$7.00",
        "Paid after refunds</th><td class=\"amount\">$8.00",
        "<strong>$20.00</strong> paid on 1 January 2026",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    assert_ne!(before, both.version());
    assert!(holds(&paper(&both), b"(-$7.00) Tj"));
}

#[test]
fn more_refunds_than_are_listed_are_added_up() {
    let mut charge = charge(money_of(100_000, "usd"));
    let refunds: Vec<_> = (0..40).map(|_| refund(&mut charge, 1_000, Status::Succeeded)).collect();
    // The statement finds one more than are listed at most.
    let receipt = receipt(&charge, &refunds[..=MOST_REFUNDS]);
    let page = page(&receipt);
    assert!(page.contains("Earlier refunds</bdi></td><td class=\"amount\">-$100.00"), "{page}");
    assert_eq!(page.matches("<td class=\"amount\">-$10.00").count(), MOST_REFUNDS);
    assert!(page.contains("$600.00"));
}

#[test]
fn the_same_state_makes_the_same_bytes() {
    let charge = charge(money_of(2_000, "usd"));
    let (one, two) = (receipt(&charge, &[]), receipt(&charge, &[]));
    assert_eq!(one.version(), two.version());
    for format in Format::ALL {
        let [one, two] = [&one, &two].map(|receipt| receipt.document("name".to_owned(), format));
        assert_eq!(one, two);
        assert_eq!(one.sha256.len(), 64);
    }
}

#[test]
fn a_long_description_is_broken_into_lines_and_pages() {
    let mut charge = charge(money_of(2_000, "usd"));
    charge.details.description = Some("word ".repeat(3_000) + &"x".repeat(500));
    let paper = receipt_of(&charge);
    assert!(holds(&paper, b"/Count 7"), "seven pages");
    assert!(!holds(&paper, &[b'x'; 100]), "a long word is broken, too");
}
