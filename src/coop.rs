//! Taking part in tokio's cooperative budget, so that an operation that is always ready still lets its neighbours run.

use std::task::{Context, Poll};
#[cfg(feature = "tokio")]
use std::{cell::Cell, task::ready};

#[cfg(feature = "tokio")]
use tokio::task::coop::{RestoreOnPending, poll_proceed};

/// How many operations on one item are worth one unit of the budget, of which a task has 128 before it has to let others run:
/// each takes less than asking for the budget and letting others run so often.
#[cfg(feature = "tokio")]
const ITEMS_PER_UNIT: u32 = 4;

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

/// What an operation on one item may spend that is done at once: one in four on this thread, whichever
/// task's it is, asks for the budget and spends it for all. What is not done at once drops this and [`cooperate`]s.
#[must_use]
pub(crate) struct Share {
    /// How many are paid for.
    #[cfg(feature = "tokio")]
    paid: u32,
    #[cfg(feature = "tokio")]
    unit: Option<RestoreOnPending>,
}

#[cfg(feature = "tokio")]
thread_local! {
    static PAID: Cell<u32> = const { Cell::new(0) };
}

impl Share {
    /// Ready if this is paid for, or the task has budget left.
    #[inline]
    #[cfg_attr(not(feature = "tokio"), allow(unused_variables))]
    pub(crate) fn poll(cx: &mut Context<'_>) -> Poll<Self> {
        #[cfg(feature = "tokio")]
        {
            let (paid, unit) = match PAID.get() {
                0 => (ITEMS_PER_UNIT, Some(ready!(poll_proceed(cx)))),
                paid => (paid, None),
            };
            Poll::Ready(Self { paid, unit })
        }
        #[cfg(not(feature = "tokio"))]
        Poll::Ready(Self {})
    }

    /// To be called when the operation is done.
    #[inline]
    pub(crate) fn spend(self) {
        #[cfg(feature = "tokio")]
        {
            PAID.set(self.paid - 1);
            if let Some(unit) = self.unit {
                unit.made_progress();
            }
        }
    }
}
