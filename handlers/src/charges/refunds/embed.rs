//! The refunds of a charge as a list inside it, for `expand[]=refunds`.

use domain::refund::Refund;
use domain::resource::{List, value};
use flows::{Failure, Platform};
use serde_json::Value;
use store::list::{Cursor, END_OF_TIME, Filter, Page, Table, assemble, page};

use crate::endpoint::Call;
use crate::refunds::show;

/// What a list inside an object shows: its newest ten; the rest is at its URL.
const FIRST_PAGE: Page =
    Page { created_from: 0, created_to: END_OF_TIME, cursor: Cursor::Newest, limit: 10 };

/// Puts the refunds into each of these that is a charge without them, all read in one batch.
///
/// # Errors
/// When the database does not answer, or a row cannot be read.
pub async fn embed<P: Platform>(
    call: &Call<'_, P>,
    objects: Vec<&mut Value>,
) -> Result<(), Failure> {
    let scope = &call.context.scope;
    let charges: Vec<_> = objects
        .into_iter()
        .filter_map(Value::as_object_mut)
        .filter(|fields| fields.get("object").is_some_and(|object| object == "charge"))
        .filter(|fields| !fields.contains_key("refunds"))
        .filter_map(|fields| {
            let id = fields.get("id")?.as_str()?.to_owned();
            Some((fields, id))
        })
        .collect();
    if charges.is_empty() {
        return Ok(());
    }
    let statements = charges
        .iter()
        .map(|(_, id)| page(scope, Table::Refunds, &Filter::Charge(id.clone()), &FIRST_PAGE))
        .collect();
    let results = call.context.batch(statements).await?;
    for ((fields, id), rows) in charges.into_iter().zip(results) {
        let (rows, has_more) = assemble(rows.0, &FIRST_PAGE);
        let data = rows
            .iter()
            .map(|row| Refund::try_from(row).map(|refund| show(&refund)))
            .collect::<Result<_, _>>()?;
        let url = format!("/v1/charges/{id}/refunds");
        let list = List { object: "list", data, has_more, url };
        fields.insert("refunds".to_owned(), value(&list));
    }
    Ok(())
}
