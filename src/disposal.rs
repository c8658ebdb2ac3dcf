//! Getting rid of items that nobody took.

use std::fmt;

use crate::unwind::Dropper;

/// Why an item was dropped inside a channel; see [`Builder::on_drop`](crate::Builder::on_drop).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropCause {
    /// It had to make room for a newer one.
    Evicted,
    /// It was still inside when the last consumer went.
    Discarded,
}

impl fmt::Display for DropCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Evicted => "evicted",
            Self::Discarded => "discarded",
        })
    }
}

/// What a user wants done with items that the channel drops.
pub(crate) type OnDrop<T> = Box<dyn Fn(T, DropCause) + Send + Sync>;

/// Hands items to the user's callback, or drops them. The first panic is kept until [`finish`](Self::finish).
#[must_use = "a panic is lost unless it is finished"]
pub(crate) struct Disposal<'a, T> {
    on_drop: Option<&'a OnDrop<T>>,
    dropper: Dropper,
}

impl<'a, T> Disposal<'a, T> {
    #[inline]
    pub(crate) fn new(on_drop: Option<&'a OnDrop<T>>) -> Self {
        Self {
            on_drop,
            dropper: Dropper::new(),
        }
    }

    /// Gets rid of an item that was evicted, if there is one.
    #[inline]
    pub(crate) fn evicted(&mut self, item: Option<T>) {
        match (item, self.on_drop) {
            (Some(item), Some(on_drop)) => self.dropper.run(|| on_drop(item, DropCause::Evicted)),
            (item, _) => self.dropper.drop(item),
        }
    }

    /// Gets rid of items that are discarded, a few, first to last.
    pub(crate) fn discarded(&mut self, items: &mut Vec<T>) {
        while !items.is_empty() {
            self.dropper.run(|| match self.on_drop {
                Some(on_drop) => on_drop(items.remove(0), DropCause::Discarded),
                // Where it lies: a large item may not fit on the stack.
                None => drop(items.drain(..1)),
            });
        }
    }

    /// Runs foreign code.
    #[inline]
    pub(crate) fn run(&mut self, f: impl FnOnce()) {
        self.dropper.run(f);
    }

    /// Resumes the first panic, once everything else has been done.
    #[inline]
    pub(crate) fn finish(self) {
        self.dropper.finish();
    }
}
