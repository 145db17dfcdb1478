//! Every endpoint, by method and path.

use domain::ApiError;
use flows::{Failure, Platform};
use matchit::Router;

use crate::dispatch::{Incoming, serve};
pub use crate::endpoint::Listed;
use crate::endpoint::{Endpoint, Entry, Method};
use crate::render::Reply;
use crate::{
    account, balance, balance_transactions, charges, customers, disputes, events,
    external_accounts, files, florin, payment_intents, payment_methods, payouts, refunds,
    reporting, setup_intents, tokens, topups, transfers, webhook_endpoints,
};

macro_rules! endpoints {
    ($($name:ident = $endpoint:path,)*) => {
        /// An endpoint by its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Route {
            $($name,)*
        }

        /// What is known of every endpoint, for the router and the API description.
        static ENDPOINTS: &[(Route, Method, &str)] = &[
            $((Route::$name, <$endpoint>::METHOD, <$endpoint>::PATH),)*
        ];

        /// Every endpoint, for tests that must leave none out.
        pub fn endpoints() -> Vec<Listed> {
            vec![$(Listed::of::<$endpoint>(),)*]
        }

        /// Describes every endpoint.
        #[cfg(feature = "openapi")]
        pub(crate) fn describe(description: &mut crate::openapi::Description) {
            $(description.add::<$endpoint>(stringify!($name));)*
        }

        fn entry<P: Platform>(route: Route) -> Entry<P> {
            match route {
                $(Route::$name => Entry::of::<$endpoint>(),)*
            }
        }
    };
}

endpoints! {
    AccountCreate = account::create::Create,
    AccountRetrieve = account::retrieve::Retrieve,
    AccountRetrieveById = account::retrieve_by_id::RetrieveById,
    BalanceRetrieve = balance::retrieve::Retrieve,
    BalanceTransactionsList = balance_transactions::list::List,
    BalanceTransactionsRetrieve = balance_transactions::retrieve::Retrieve,
    ChargesCapture = charges::capture::Capture,
    ChargesCreate = charges::create::Create,
    ChargesDisputeClose = charges::dispute::close::Close,
    ChargesDisputeRetrieve = charges::dispute::retrieve::Retrieve,
    ChargesDisputeUpdate = charges::dispute::update::Update,
    ChargesList = charges::list::List,
    ChargesRefund = charges::refund::Refund,
    ChargesRefundsCreate = charges::refunds::create::Create,
    ChargesRefundsList = charges::refunds::list::List,
    ChargesRefundsRetrieve = charges::refunds::retrieve::Retrieve,
    ChargesRefundsUpdate = charges::refunds::update::Update,
    ChargesRetrieve = charges::retrieve::Retrieve,
    ChargesSearch = charges::search::Search,
    ChargesUpdate = charges::update::Update,
    CustomersCreate = customers::create::Create,
    CustomersDelete = customers::delete::Delete,
    CustomersList = customers::list::List,
    CustomersPaymentMethodsList = customers::payment_methods::list::List,
    CustomersPaymentMethodsRetrieve = customers::payment_methods::retrieve::Retrieve,
    CustomersRetrieve = customers::retrieve::Retrieve,
    CustomersSearch = customers::search::Search,
    CustomersUpdate = customers::update::Update,
    DisputesClose = disputes::close::Close,
    DisputesList = disputes::list::List,
    DisputesRetrieve = disputes::retrieve::Retrieve,
    DisputesUpdate = disputes::update::Update,
    EventsList = events::list::List,
    EventsRetrieve = events::retrieve::Retrieve,
    EventsRetry = events::retry::Retry,
    ExternalAccountsCreate = external_accounts::create::Create,
    ExternalAccountsDelete = external_accounts::delete::Delete,
    ExternalAccountsList = external_accounts::list::List,
    ExternalAccountsRetrieve = external_accounts::retrieve::Retrieve,
    ExternalAccountsUpdate = external_accounts::update::Update,
    FilesList = files::list::List,
    FilesRetrieve = files::retrieve::Retrieve,
    FlorinConnectorAccountsCreate = florin::connector_accounts::create::Create,
    FlorinConnectorAccountsDelete = florin::connector_accounts::delete::Delete,
    FlorinConnectorAccountsList = florin::connector_accounts::list::List,
    FlorinConnectorAccountsRetrieve = florin::connector_accounts::retrieve::Retrieve,
    FlorinConnectorAccountsUpdate = florin::connector_accounts::update::Update,
    FlorinConnectorWebhooksList = florin::connector_webhooks::list::List,
    FlorinConnectorWebhooksRetrieve = florin::connector_webhooks::retrieve::Retrieve,
    FlorinConnectorWebhooksRetry = florin::connector_webhooks::retry::Retry,
    FlorinEventReplaysCreate = florin::event_replays::create::Create,
    FlorinEventReplaysRetrieve = florin::event_replays::retrieve::Retrieve,
    FlorinPaymentAttemptsList = florin::payment_attempts::list::List,
    FlorinPaymentAttemptsResolve = florin::payment_attempts::resolve::Resolve,
    FlorinPaymentAttemptsRetrieve = florin::payment_attempts::retrieve::Retrieve,
    FlorinRoutingDryRun = florin::routing::dry_run::DryRun,
    FlorinRoutingPublish = florin::routing::publish::Publish,
    FlorinRoutingRetrieve = florin::routing::retrieve::Retrieve,
    FlorinRoutingVersionsList = florin::routing::versions::list::List,
    FlorinRoutingVersionsRetrieve = florin::routing::versions::retrieve::Retrieve,
    FlorinSettlementBreaksList = florin::settlement_breaks::list::List,
    FlorinSettlementBreaksResolve = florin::settlement_breaks::resolve::Resolve,
    FlorinSettlementBreaksRetrieve = florin::settlement_breaks::retrieve::Retrieve,
    FlorinSettlementReportsCreate = florin::settlement_reports::create::Create,
    FlorinSettlementReportsList = florin::settlement_reports::list::List,
    FlorinSettlementReportsRetrieve = florin::settlement_reports::retrieve::Retrieve,
    FlorinWebhookDeliveriesList = florin::webhook_deliveries::list::List,
    FlorinWebhookDeliveriesRetrieve = florin::webhook_deliveries::retrieve::Retrieve,
    FlorinWebhookEndpointsRetrieve = florin::webhook_endpoints::retrieve::Retrieve,
    FlorinWebhookEndpointsRoll = florin::webhook_endpoints::roll::Roll,
    FlorinWebhookEndpointsUpdate = florin::webhook_endpoints::update::Update,
    PaymentIntentsCancel = payment_intents::cancel::Cancel,
    PaymentIntentsCapture = payment_intents::capture::Capture,
    PaymentIntentsConfirm = payment_intents::confirm::Confirm,
    PaymentIntentsCreate = payment_intents::create::Create,
    PaymentIntentsIncrementAuthorization =
        payment_intents::increment_authorization::IncrementAuthorization,
    PaymentIntentsList = payment_intents::list::List,
    PaymentIntentsRetrieve = payment_intents::retrieve::Retrieve,
    PaymentIntentsSearch = payment_intents::search::Search,
    PaymentIntentsUpdate = payment_intents::update::Update,
    PaymentMethodsAttach = payment_methods::attach::Attach,
    PaymentMethodsCreate = payment_methods::create::Create,
    PaymentMethodsDetach = payment_methods::detach::Detach,
    PaymentMethodsList = payment_methods::list::List,
    PaymentMethodsRetrieve = payment_methods::retrieve::Retrieve,
    PaymentMethodsUpdate = payment_methods::update::Update,
    PayoutsCancel = payouts::cancel::Cancel,
    PayoutsCreate = payouts::create::Create,
    PayoutsList = payouts::list::List,
    PayoutsRetrieve = payouts::retrieve::Retrieve,
    PayoutsReverse = payouts::reverse::Reverse,
    PayoutsUpdate = payouts::update::Update,
    RefundsCancel = refunds::cancel::Cancel,
    RefundsCreate = refunds::create::Create,
    RefundsList = refunds::list::List,
    RefundsRetrieve = refunds::retrieve::Retrieve,
    RefundsUpdate = refunds::update::Update,
    ReportRunsCreate = reporting::report_runs::create::Create,
    ReportRunsList = reporting::report_runs::list::List,
    ReportRunsRetrieve = reporting::report_runs::retrieve::Retrieve,
    ReportTypesList = reporting::report_types::list::List,
    ReportTypesRetrieve = reporting::report_types::retrieve::Retrieve,
    SetupIntentsCreate = setup_intents::create::Create,
    SetupIntentsRetrieve = setup_intents::retrieve::Retrieve,
    TokensCreate = tokens::create::Create,
    TokensRetrieve = tokens::retrieve::Retrieve,
    TopupsCancel = topups::cancel::Cancel,
    TopupsCreate = topups::create::Create,
    TopupsList = topups::list::List,
    TopupsRetrieve = topups::retrieve::Retrieve,
    TopupsUpdate = topups::update::Update,
    TransfersCreate = transfers::create::Create,
    TransfersList = transfers::list::List,
    TransfersRetrieve = transfers::retrieve::Retrieve,
    TransfersReversalsCreate = transfers::reversals::create::Create,
    TransfersReversalsList = transfers::reversals::list::List,
    TransfersReversalsRetrieve = transfers::reversals::retrieve::Retrieve,
    TransfersReversalsUpdate = transfers::reversals::update::Update,
    TransfersUpdate = transfers::update::Update,
    WebhookEndpointsCreate = webhook_endpoints::create::Create,
    WebhookEndpointsDelete = webhook_endpoints::delete::Delete,
    WebhookEndpointsList = webhook_endpoints::list::List,
    WebhookEndpointsRetrieve = webhook_endpoints::retrieve::Retrieve,
    WebhookEndpointsUpdate = webhook_endpoints::update::Update,
}

/// The endpoints behind one path, one for each method.
type Methods = Vec<(Method, Route)>;

thread_local! {
    static ROUTER: Router<Methods> = router();
}

fn router() -> Router<Methods> {
    let mut paths: Vec<(&str, Methods)> = Vec::new();
    for (route, method, path) in ENDPOINTS {
        match paths.iter_mut().find(|(known, _)| known == path) {
            Some((_, methods)) => methods.push((*method, *route)),
            None => paths.push((path, vec![(*method, *route)])),
        }
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        let inserted = router.insert(path, methods);
        // Two paths that cannot be told apart are found by the test below, not in production.
        debug_assert!(inserted.is_ok(), "{path} cannot be told from another path");
    }
    router
}

/// The endpoint that a method and path name, and the open parts of the path.
fn find(method: &str, path: &str) -> Option<(Route, Vec<String>)> {
    ROUTER.with(|router| {
        let found = router.at(path).ok()?;
        let (_, route) = found.value.iter().find(|(known, _)| known.name() == method)?;
        let open = found.params.iter().map(|(_, part)| part.to_owned()).collect();
        Some((*route, open))
    })
}

/// Answers a request by the endpoint that it names.
///
/// # Errors
/// When it names none, or as that endpoint.
pub async fn dispatch<P: Platform>(incoming: Incoming<'_, P>) -> Result<Reply, Failure> {
    let method = incoming.request.method().as_str();
    let path = incoming.request.uri().path();
    if let Some(file) = files::contents::named(method, path) {
        return files::contents::answer(&incoming, file).await;
    }
    let Some((route, open)) = find(method, path) else {
        return Err(
            ApiError::UnknownRoute { method: method.to_owned(), path: path.to_owned() }.into()
        );
    };
    let incoming = Incoming { path: open, ..incoming };
    serve(incoming, entry(route)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_reached_by_its_path() {
        for (route, method, path) in ENDPOINTS {
            let path = path.replace(['{', '}'], "");
            assert_eq!(find(method.name(), &path).map(|(found, _)| found), Some(*route), "{path}");
        }
    }
}
