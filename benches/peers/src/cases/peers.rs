//! The peers that take part where threads push.

/// Every peer whose consumer is a thread does `$work` with `$open`, `$n` items of type `$item`.
macro_rules! thread_peers {
    ($case:expr, $item:ty, |$open:ident, $n:ident| $work:expr) => {{
        use std::sync::mpsc::sync_channel;
        macro_rules! with {
            ($how:expr) => {
                move |$n| {
                    let $open = $how;
                    $work
                }
            };
        }
        $case
            .peer("crossbeam-channel", with!(crossbeam_channel::bounded::<$item>))
            .peer("crossfire", with!(crossfire::mpsc::bounded_blocking::<$item>))
            .peer("kanal", with!(kanal::bounded::<$item>))
            .peer("thingbuf", with!(thingbuf::mpsc::blocking::channel::<$item>))
            .peer("flume", with!(flume::bounded::<$item>))
            .peer("async-channel", with!(async_channel::bounded::<$item>))
            .peer("tokio", with!(tokio::sync::mpsc::channel::<$item>))
            .peer("std", with!(sync_channel::<$item>))
    }};
}

/// Every peer whose consumer is a task does `$work` with `$open`, `$n` items of type `$item`.
macro_rules! task_peers {
    ($case:expr, $item:ty, |$open:ident, $n:ident| $work:expr) => {{
        use $crate::contenders::Blocked;
        macro_rules! with {
            ($how:expr) => {
                move |$n| {
                    let $open = $how;
                    $work
                }
            };
        }
        $case
            .peer("crossfire", with!(crossfire::mpsc::bounded_blocking_async::<$item>))
            .peer(
                "kanal",
                with!(|capacity| {
                    let (sender, receiver) = kanal::bounded::<$item>(capacity);
                    (sender, receiver.to_async())
                }),
            )
            .peer(
                "tachyonix, block_on when full",
                with!(|capacity| {
                    let (sender, receiver) = tachyonix::channel::<$item>(capacity);
                    (Blocked(sender), receiver)
                }),
            )
            .peer(
                "thingbuf, block_on when full",
                with!(|capacity| {
                    let (sender, receiver) = thingbuf::mpsc::channel::<$item>(capacity);
                    (Blocked(sender), receiver)
                }),
            )
            .peer("flume", with!(flume::bounded::<$item>))
            .peer("async-channel", with!(async_channel::bounded::<$item>))
            .peer("tokio", with!(tokio::sync::mpsc::channel::<$item>))
    }};
}

pub(crate) use {task_peers, thread_peers};
