//! Taking part in tokio's cooperative budget, so that an operation that is always ready still lets its neighbours run.

use std::task::{Context, Poll};
#[cfg(feature = "tokio")]
use std::{cell::Cell, task::ready};

#[cfg(feature = "tokio")]
use tokio::task::coop::poll_proceed;

/// How many operations on one item a unit of the budget pays for, of which a task has 128 before it has to let others run:
/// each takes less than asking for the budget and letting others run so often.
#[cfg(feature = "tokio")]
const ITEMS_PER_UNIT: u32 = 4;

#[cfg(feature = "tokio")]
thread_local! {
    /// How many operations on one item are paid for, whichever task's they are.
    static PREPAID: Cell<u32> = const { Cell::new(0) };
}

/// Polls `f` if the task has budget left, and spends some if `f` is ready. Without the feature `tokio`, or outside a
/// tokio task, there always is.
#[inline]
pub(crate) fn cooperate<R>(cx: &mut Context<'_>, f: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
    #[cfg(feature = "tokio")]
    {
        let budget = ready!(poll_proceed(cx));
        let poll = f(cx);
        if poll.is_ready() {
            budget.made_progress();
        }
        poll
    }
    #[cfg(not(feature = "tokio"))]
    f(cx)
}

/// As [`cooperate`] for an operation on one item: if `f` is ready, that pays for the next ones of this thread as well.
#[inline]
pub(crate) fn prepay<R>(cx: &mut Context<'_>, f: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
    let poll = cooperate(cx, f);
    #[cfg(feature = "tokio")]
    if poll.is_ready() {
        PREPAID.set(ITEMS_PER_UNIT - 1);
    }
    poll
}

/// Whether an operation on one item is paid for: if it can be done at once, it only has to [`spend_prepaid`], or else to
/// [`prepay`].
#[inline]
pub(crate) fn is_prepaid() -> bool {
    #[cfg(feature = "tokio")]
    return PREPAID.get() > 0;
    #[cfg(not(feature = "tokio"))]
    true
}

#[inline]
pub(crate) fn spend_prepaid() {
    #[cfg(feature = "tokio")]
    PREPAID.set(PREPAID.get().saturating_sub(1)); // A waker that the operation woke may have spent it, too.
}
