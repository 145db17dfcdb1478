//! `GET /v1/balance_transactions`

use domain::ApiError;
use domain::balance_transaction::{BalanceTransaction, Kind};
use domain::money::Currency;
use domain::payout::Payout;
use domain::resource::Json;
use flows::{Failure, Platform, payouts};
use store::accounts::LONGEST_DELAY;
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};
use crate::payment_intents::parameters::currency;

/// Lists the movements of the balance.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// The currency that they settled in.
        currency: Option<String>,
        /// The payout that carries them; only what the account's schedule made carries any.
        payout: Option<String>,
        /// The object behind them.
        source: Option<String>,
        /// What moved the balance.
        r#type: Option<String>,
    }
}

/// The page that is asked for.
pub struct Input {
    currency: Option<Currency>,
    payout: Option<String>,
    source: Option<String>,
    kinds: Option<Vec<&'static str>>,
    page: Page,
}

impl Input {
    /// A filter for each kind that is asked for; the narrowest comes first.
    fn filters(&self) -> Vec<Filter> {
        let kinds = match &self.kinds {
            Some(kinds) => kinds.iter().map(|kind| Some(*kind)).collect(),
            None => vec![None],
        };
        kinds.into_iter().map(|kind| self.filter(kind)).collect()
    }

    fn filter(&self, kind: Option<&str>) -> Filter {
        let currency = self.currency.map(|currency| Filter::Currency(currency.code().to_owned()));
        let kind = kind.map(str::to_owned);
        let (narrow, wide) = match kind {
            Some(kind) if kind == Kind::Charge.name() => (None, Some(Filter::DenseType(kind))),
            kind => (kind.map(Filter::Type), None),
        };
        let source = self.source.clone().map(Filter::Source);
        let mut filters: Vec<_> = [source, narrow].into_iter().flatten().collect();
        let residual: Vec<_> = [wide, currency].into_iter().flatten().collect();
        if filters.is_empty() {
            filters.push(Filter::Nothing);
        }
        filters.extend(residual);
        Filter::all(filters)
    }
}

/// What a payout carries: all that became available on the days that it covers, other than the payouts
/// of the same schedule, which carried what came before.
fn carried(input: &Input, payout: &Payout) -> (Vec<Filter>, Page) {
    let mut page = input.page.clone();
    let (Some(days), true) =
        (payout.details.covers, input.currency.is_none_or(|currency| currency == payout.currency))
    else {
        return (Vec::new(), page);
    };
    let (from, to) = (days.from.start(), days.through.plus(1).start());
    // Nothing is made later than the payout that carries it, or is available later than the longest delay
    // after it was made.
    let earliest = days.from.plus(i64::from(LONGEST_DELAY).saturating_neg()).start();
    page.created_from = page.created_from.max(earliest.seconds());
    page.created_to = page.created_to.min(payout.created.plus(1).seconds());
    let filter = |kind: Option<&str>| {
        let further = [
            input.source.clone().map(Filter::Source),
            kind.map(|kind| Filter::DenseType(kind.to_owned())),
        ];
        let carried = [
            Filter::Nothing,
            Filter::AvailableFrom(from.seconds()),
            Filter::AvailableBefore(to.seconds()),
            Filter::NotType(Kind::AutomaticPayout.name().to_owned()),
            Filter::Currency(payout.currency.code().to_owned()),
        ];
        Filter::all(carried.into_iter().chain(further.into_iter().flatten()))
    };
    let filters = match &input.kinds {
        Some(kinds) => kinds.iter().map(|kind| filter(Some(kind))).collect(),
        None => vec![filter(None)],
    };
    (filters, page)
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/balance_transactions";
    const RESOURCE: &'static str = "balance_transaction";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let page = parameters.page()?;
        Ok(Input {
            currency: parameters.currency.as_deref().map(currency).transpose()?,
            payout: parameters.payout,
            source: parameters.source,
            kinds: parameters.r#type.as_deref().map(Kind::names_of_type),
            page,
        })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let now = call.context.now;
        let table = Table::BalanceTransactions;
        let (filters, page) = match &input.payout {
            Some(id) => carried(&input, &payouts::find_carrier(&call.context, id).await?),
            None => (input.filters(), input.page),
        };
        list::show(call, table, &filters, &page, |row| {
            Ok(show(&BalanceTransaction::try_from(row)?, now))
        })
        .await
    }
}
