//! Taking part in tokio's cooperative budget, so that an operation that is always ready still lets its neighbours run.

use std::task::{Context, Poll};

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
