//! Taking part in tokio's cooperative budget, so that an operation that is always ready still lets its neighbours run.

use std::task::{Context, Poll};

#[cfg(feature = "tokio")]
use std::cell::Cell;

/// How many operations on one item are worth one unit of the budget, of which a task has 128 before it has to let others run:
/// each takes a few nanoseconds, much less than asking for the budget and letting others run so often.
#[cfg(feature = "tokio")]
const ITEMS_PER_UNIT: u32 = 4;

/// Polls `f` if the task has budget left, and spends some if `f` is ready. Without the feature `tokio`, or outside a
/// tokio task, there always is.
#[inline]
pub(crate) fn cooperate<R>(cx: &mut Context<'_>, f: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
    #[cfg(feature = "tokio")]
    {
        let budget = std::task::ready!(tokio::task::coop::poll_proceed(cx));
        let poll = f(cx);
        if poll.is_ready() {
            budget.made_progress();
        }
        poll
    }
    #[cfg(not(feature = "tokio"))]
    f(cx)
}

/// As [`cooperate`] for an operation on one item: one in [`ITEMS_PER_UNIT`] on this thread, whichever task's it is, asks for
/// the budget and spends it for all.
#[inline]
pub(crate) fn cooperate_for_one<R>(cx: &mut Context<'_>, f: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
    #[cfg(feature = "tokio")]
    {
        thread_local! {
            static PAID: Cell<u32> = const { Cell::new(0) };
        }
        let paid = PAID.get();
        if paid > 0 {
            PAID.set(paid - 1);
            return f(cx);
        }
        cooperate(cx, |cx| {
            PAID.set(ITEMS_PER_UNIT - 1);
            f(cx)
        })
    }
    #[cfg(not(feature = "tokio"))]
    f(cx)
}
