//! A receipt as a page: complete in itself, for a phone, a desk and a printer, with nothing that runs.

use maud::{DOCTYPE, PreEscaped, html};

use super::Receipt;

const STYLE: &str = include_str!("style.css");

/// Writes the page. What people named stands apart from the text around it (`bdi`), whose direction it
/// could otherwise turn.
pub(super) fn write(receipt: &Receipt) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex, nofollow";
                title { (receipt.title()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    @if receipt.is_test {
                        p.test role="note" { strong { "Test mode" } " – no money was moved." }
                    }
                    h1 { "Receipt from " bdi { (receipt.merchant) } }
                    p.paid { strong { (receipt.paid) } " paid on " (receipt.date) }
                    dl {
                        @for (name, value) in receipt.facts() {
                            div { dt { (name) } dd { (value) } }
                        }
                    }
                    (table(receipt))
                    @if let Some(url) = &receipt.url {
                        p.download { a href=(format!("{url}/pdf")) { "Download as PDF" } }
                    }
                }
            }
        }
    };
    page.into_string()
}

fn table(receipt: &Receipt) -> maud::Markup {
    html! {
        table {
            caption { "Summary" }
            thead {
                tr { th scope="col" { "Description" } th.amount scope="col" { "Amount" } }
            }
            tbody {
                @for line in &receipt.lines {
                    tr { td { bdi { (line.text) } } td.amount { (line.amount) } }
                }
            }
            tfoot {
                tr { th scope="row" { (receipt.total()) } td.amount { (receipt.net) } }
            }
        }
    }
}
