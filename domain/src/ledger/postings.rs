//! What each fact about money posts. Nothing else makes entries.

use super::{AccountKind, Draft, LedgerAccount, Owner, Transaction, Unbalanced};
use crate::id::AccountId;
use crate::money::{Amount, Currency, Money, SignedAmount};
use crate::timestamp::Day;

/// The day of an account that is not kept by day.
const ALWAYS: Day = Day(0);

/// The accounts of a merchant in one currency.
#[derive(Clone, Debug)]
pub struct Balances {
    /// Whose they are.
    pub merchant: AccountId,
    /// Their currency.
    pub currency: Currency,
}

impl Balances {
    fn account(&self, kind: AccountKind, day: Day) -> LedgerAccount {
        let owner = Owner::Merchant(self.merchant.clone());
        LedgerAccount { owner, kind, currency: self.currency, day }
    }

    /// Where money goes that is available from a day on.
    pub fn funds(&self, available_on: Day, today: Day) -> LedgerAccount {
        if available_on > today {
            self.account(AccountKind::Pending, available_on)
        } else {
            self.account(AccountKind::Available, today)
        }
    }

    /// What became available on a day.
    pub fn available(&self, day: Day) -> LedgerAccount {
        self.account(AccountKind::Available, day)
    }

    fn always(&self, kind: AccountKind) -> LedgerAccount {
        self.account(kind, ALWAYS)
    }
}

/// The accounts of a processor in one currency.
#[derive(Clone, Debug)]
pub struct Processor {
    /// The account at it, or the simulator's name.
    pub name: String,
    /// Their currency.
    pub currency: Currency,
}

impl Processor {
    fn account(&self, kind: AccountKind, day: Day) -> LedgerAccount {
        let owner = Owner::Processor(self.name.clone());
        LedgerAccount { owner, kind, currency: self.currency, day }
    }

    /// What it owes and settles on a day.
    pub fn clearing(&self, day: Day) -> LedgerAccount {
        self.account(AccountKind::Clearing, day)
    }

    fn always(&self, kind: AccountKind) -> LedgerAccount {
        self.account(kind, ALWAYS)
    }
}

fn platform(kind: AccountKind, currency: Currency) -> LedgerAccount {
    LedgerAccount { owner: Owner::Platform, kind, currency, day: ALWAYS }
}

/// When money that moves today counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// The day on which it moves.
    pub today: Day,
    /// The day from which the merchant may have it.
    pub available_on: Day,
    /// The day on which the processor settles it.
    pub settles_on: Day,
}

/// What a card holds for a merchant: it is held once, and each unit of it taken or let go of once.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Whose money it would be.
    pub balances: Balances,
    /// Where it is held.
    pub processor: Processor,
}

impl Hold {
    fn accounts(&self) -> (LedgerAccount, LedgerAccount) {
        (
            self.processor.always(AccountKind::Authorizations),
            self.balances.always(AccountKind::AuthorizedFunds),
        )
    }

    /// More is held.
    pub fn placed(&self, draft: Draft, amount: Amount) -> Draft {
        let (authorizations, funds) = self.accounts();
        draft.debit(authorizations, amount).credit(funds, amount)
    }

    /// Some of it is no longer held: it was taken, or let go of.
    pub fn resolved(&self, draft: Draft, amount: Amount) -> Draft {
        let (authorizations, funds) = self.accounts();
        draft.credit(authorizations, amount).debit(funds, amount)
    }
}

/// Money taken from a card.
#[derive(Clone, Debug)]
pub struct Captured {
    /// What the processor owes for it, in the currency that the cardholder paid in.
    pub paid: Money,
    /// The same in the currency that the merchant settles in; equal unless a rate came with it.
    pub settled: Money,
    /// What the platform takes of it.
    pub fee: Amount,
    /// What the merchant's own platform takes of it.
    pub application_fee: Amount,
    /// When it counts.
    pub dates: Dates,
}

impl Captured {
    /// What the merchant gets.
    ///
    /// # Errors
    /// Never where the fees are within what was settled, or little above.
    pub fn net(&self) -> Result<SignedAmount, crate::money::AmountOutOfRange> {
        SignedAmount::from(self.settled.amount)
            .minus(SignedAmount::from(self.fee))?
            .minus(SignedAmount::from(self.application_fee))
    }

    /// Posts it: the processor owes it, the merchant is owed it less the fees. It is pending first also
    /// where it is available at once, so that all money becomes available in one way.
    ///
    /// # Errors
    /// When amounts leave their range.
    pub fn post(
        &self,
        mut draft: Draft,
        merchant: &AccountId,
        processor: &str,
    ) -> Result<Transaction, Unbalanced> {
        let (paid, settled) = (self.paid, self.settled);
        let clearing = Processor { name: processor.to_owned(), currency: paid.currency };
        let balances = Balances { merchant: merchant.clone(), currency: settled.currency };
        let Dates { available_on, settles_on, .. } = self.dates;
        draft = draft.debit(clearing.clearing(settles_on), paid.amount);
        if paid.currency != settled.currency {
            let exchange = |currency| platform(AccountKind::Exchange, currency);
            draft = draft
                .credit(exchange(paid.currency), paid.amount)
                .debit(exchange(settled.currency), settled.amount);
        }
        let Ok(net) = self.net() else { return Err(Unbalanced { cause: draft.cause }) };
        draft
            .enter(balances.account(AccountKind::Pending, available_on), net.negated())
            .credit(platform(AccountKind::Fees, settled.currency), self.fee)
            .credit(platform(AccountKind::ApplicationFees, settled.currency), self.application_fee)
            .close()
    }
}

/// Money of one merchant at one processor, in one currency: what is given back or disputed.
#[derive(Clone, Debug)]
pub struct Returned {
    /// Whose money it is.
    pub balances: Balances,
    /// Through whom it goes.
    pub processor: Processor,
    /// When it counts.
    pub dates: Dates,
}

impl Returned {
    fn funds(&self) -> LedgerAccount {
        self.balances.funds(self.dates.available_on, self.dates.today)
    }

    fn clearing(&self) -> LedgerAccount {
        self.processor.clearing(self.dates.settles_on)
    }

    fn fees(&self) -> LedgerAccount {
        platform(AccountKind::Fees, self.balances.currency)
    }

    /// It goes back to the card; the platform gives back some of its fee where the plan says so.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn refunded(
        &self,
        cause: String,
        amount: Amount,
        fee_returned: Amount,
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .debit(self.funds(), amount)
            .credit(self.clearing(), amount)
            .debit(self.fees(), fee_returned)
            .credit(self.funds(), fee_returned)
            .close()
    }

    /// What went to the card came back, and so does what the platform gave back of its fee.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn refund_failed(
        &self,
        cause: String,
        amount: Amount,
        fee_returned: Amount,
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .credit(self.funds(), amount)
            .debit(self.clearing(), amount)
            .credit(self.fees(), fee_returned)
            .debit(self.funds(), fee_returned)
            .close()
    }

    /// The merchant's bank added it; it is pending first, as what is taken from a card.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn topped_up(&self, cause: String, amount: Amount) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .debit(self.clearing(), amount)
            .credit(self.balances.account(AccountKind::Pending, self.dates.available_on), amount)
            .close()
    }

    /// The merchant's bank took back what it had added.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn topup_reversed(&self, cause: String, amount: Amount) -> Result<Transaction, Unbalanced> {
        self.refunded(cause, amount, Amount::ZERO)
    }

    /// A cardholder disputes it: the processor takes it back, and it is held back from the merchant,
    /// who also pays the dispute's fee.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn disputed(
        &self,
        cause: String,
        amount: Amount,
        fee: Amount,
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .debit(self.processor.always(AccountKind::DisputedFunds), amount)
            .credit(self.clearing(), amount)
            .debit(self.funds(), amount)
            .credit(self.balances.always(AccountKind::DisputeReserve), amount)
            .debit(self.funds(), fee)
            .credit(self.fees(), fee)
            .close()
    }

    /// The merchant won: the processor pays it again. The fee stays paid unless some of it is returned.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn dispute_won(
        &self,
        cause: String,
        amount: Amount,
        fee_returned: Amount,
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .credit(self.processor.always(AccountKind::DisputedFunds), amount)
            .debit(self.clearing(), amount)
            .debit(self.balances.always(AccountKind::DisputeReserve), amount)
            .credit(self.funds(), amount)
            .debit(self.fees(), fee_returned)
            .credit(self.funds(), fee_returned)
            .close()
    }

    /// The merchant lost: what was held back is gone.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn dispute_lost(&self, cause: String, amount: Amount) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .credit(self.processor.always(AccountKind::DisputedFunds), amount)
            .debit(self.balances.always(AccountKind::DisputeReserve), amount)
            .close()
    }
}

impl Balances {
    /// A payout leaves the balance for the merchant's bank; it is taken of what became available on each
    /// of these days.
    ///
    /// # Errors
    /// When the parts' sum leaves the range of amounts.
    pub fn paid_out(
        &self,
        cause: String,
        parts: &[(Day, SignedAmount)],
    ) -> Result<Transaction, Unbalanced> {
        let mut draft = Draft::new(cause);
        let mut sum = SignedAmount::ZERO;
        for (day, part) in parts {
            draft = draft.enter(self.available(*day), *part);
            sum = sum.plus(*part).map_err(|_| Unbalanced { cause: draft.cause.clone() })?;
        }
        draft.enter(self.always(AccountKind::PayoutsInTransit), sum.negated()).close()
    }

    /// Money goes to another merchant, who may have it at once.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn transferred(
        &self,
        cause: String,
        amount: Amount,
        to: &AccountId,
        today: Day,
    ) -> Result<Transaction, Unbalanced> {
        let to = Self { merchant: to.clone(), currency: self.currency };
        Draft::new(cause)
            .debit(self.available(today), amount)
            .credit(to.available(today), amount)
            .close()
    }

    /// A payout is taken back: what the merchant's bank is to give counts from a day on.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn payout_reversed(
        &self,
        cause: String,
        taken_back: SignedAmount,
        (available_on, today): (Day, Day),
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .enter(self.always(AccountKind::PayoutsInTransit), taken_back)
            .enter(self.funds(available_on, today), taken_back.negated())
            .close()
    }

    /// The merchant's bank has it; or gave it, where the amount is negative.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn payout_arrived(
        &self,
        cause: String,
        amount: SignedAmount,
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .enter(self.always(AccountKind::PayoutsInTransit), amount)
            .enter(platform(AccountKind::Cash, self.currency), amount.negated())
            .close()
    }

    /// It never left, or was stopped: it is available again, from the day on that is given.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn payout_stopped(
        &self,
        cause: String,
        amount: SignedAmount,
        (available_on, today): (Day, Day),
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .enter(self.always(AccountKind::PayoutsInTransit), amount)
            .enter(self.funds(available_on, today), amount.negated())
            .close()
    }

    /// The merchant's bank had it and sent it back.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn payout_returned(
        &self,
        cause: String,
        amount: SignedAmount,
        (available_on, today): (Day, Day),
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .enter(platform(AccountKind::Cash, self.currency), amount)
            .enter(self.funds(available_on, today), amount.negated())
            .close()
    }

    /// The day came from which the merchant may have it. `pending` is the pending account's balance: a
    /// credit, unless more was given back than taken.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn matured(
        &self,
        cause: String,
        day: Day,
        pending: SignedAmount,
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .enter(self.account(AccountKind::Pending, day), pending.negated())
            .enter(self.available(day), pending)
            .close()
    }
}

impl Processor {
    /// The processor pays what it owes for a day, less what it keeps for its service. `owed` is the
    /// clearing account's balance: a debit, unless more was given back than taken.
    ///
    /// # Errors
    /// When amounts leave their range.
    pub fn settled(
        &self,
        cause: String,
        day: Day,
        owed: SignedAmount,
        kept: Amount,
    ) -> Result<Transaction, Unbalanced> {
        let Ok(paid) = owed.minus(SignedAmount::from(kept)) else {
            return Err(Unbalanced { cause });
        };
        Draft::new(cause)
            .enter(self.clearing(day), owed.negated())
            .enter(platform(AccountKind::Cash, self.currency), paid)
            .debit(self.always(AccountKind::ProcessorFees), kept)
            .close()
    }

    /// The processor reports that it settled a movement, which was owed on a day: it holds it, less what it kept, until it
    /// pays it out. What it settles in another currency than was paid in is exchanged.
    ///
    /// # Errors
    /// When the report's amounts do not add up.
    pub fn reported(
        &self,
        cause: String,
        owed: (LedgerAccount, SignedAmount),
        settled: &Settled,
    ) -> Result<Transaction, Unbalanced> {
        let Settled { gross, fee, net } = *settled;
        let ((account, amount), currency) = (owed, self.currency);
        let paid_in = account.currency;
        let mut draft = Draft::new(cause).enter(account, amount.negated());
        if paid_in != currency {
            draft = draft
                .enter(platform(AccountKind::Exchange, paid_in), amount)
                .enter(platform(AccountKind::Exchange, currency), gross.negated());
        }
        draft
            .enter(self.always(AccountKind::ProcessorBalance), net)
            .enter(self.always(AccountKind::ProcessorFees), fee)
            .close()
    }

    /// What nobody here knows what it is of.
    pub fn unexplained(&self) -> LedgerAccount {
        platform(AccountKind::Suspense, self.currency)
    }

    /// The processor paid out some of what it holds: `net` is what that does to its balance.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn paid_out(&self, cause: String, net: SignedAmount) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .enter(self.always(AccountKind::ProcessorBalance), net)
            .enter(platform(AccountKind::Cash, self.currency), net.negated())
            .close()
    }

    /// Nobody will settle what was owed on a day.
    ///
    /// # Errors
    /// Never for amounts in range.
    pub fn never_settled(
        &self,
        cause: String,
        (day, amount): (Day, SignedAmount),
    ) -> Result<Transaction, Unbalanced> {
        Draft::new(cause)
            .enter(self.clearing(day), amount.negated())
            .enter(self.unexplained(), amount)
            .close()
    }
}

/// What a processor reports of a movement, in the currency in which it settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What moved.
    pub gross: SignedAmount,
    /// What it kept of it.
    pub fee: SignedAmount,
    /// What is left.
    pub net: SignedAmount,
}
