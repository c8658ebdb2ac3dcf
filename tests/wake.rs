//! Waking: nobody sleeps while there is something for them, whatever becomes of those who were woken.
//!
//! Tasks are polled by hand, so that each case is exact: who was woken, who ran, who was dropped or forgotten.
#![cfg(not(loom))]

mod common;

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::Poll;
use std::thread;

use common::*;
use futures::Sink;
use mpsc_ring::{BatchPushError, Consumer, Place, Producer, PushError};

type Taking<'a> = Pin<Box<dyn Future<Output = Option<u32>> + 'a>>;

/// `N` tasks, each of which has been polled once and waits for an item.
fn parked_takes<const N: usize>(consumer: &Consumer<u32>) -> ([Task; N], [Option<Taking<'_>>; N]) {
    let tasks = [(); N].map(|()| Task::new());
    let mut n = 0;
    let takes = [(); N].map(|()| {
        let mut take: Taking<'_> = Box::pin(consumer.take_async());
        assert!(tasks[n].poll(&mut take).is_pending());
        n += 1;
        Some(take)
    });
    (tasks, takes)
}

fn poll_take(task: &Task, take: &mut Option<Taking<'_>>) -> Poll<Option<u32>> {
    task.poll(take.as_mut().unwrap())
}

/// Which tasks have been woken.
fn woken(tasks: &[Task]) -> Vec<bool> {
    tasks.iter().map(Task::is_woken).collect()
}

fn count_woken(tasks: &[Task]) -> usize {
    tasks.iter().filter(|task| task.is_woken()).count()
}

// -------------------------------------------------------------- one wake per item

// bug-classes A1
#[test]
fn two_pushes_wake_two_takers_though_neither_has_run() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(4);
        let (tasks, mut takes) = parked_takes::<2>(&consumer);
        producer.push(1).unwrap();
        producer.push(2).unwrap();
        assert_eq!(woken(&tasks), [true, true]);
        let taken = [0, 1].map(|n| poll_take(&tasks[n], &mut takes[n]));
        assert_eq!(taken, [Poll::Ready(Some(1)), Poll::Ready(Some(2))]);
    }
}

// bug-classes A1
#[test]
fn a_batch_wakes_as_many_takers_as_it_has_items() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(4);
        let (tasks, _takes) = parked_takes::<5>(&consumer);
        producer.push_batch(&[1, 2, 3]).unwrap();
        assert_eq!(count_woken(&tasks), 3);
        producer.push(4).unwrap();
        assert_eq!(count_woken(&tasks), 4);
    }
}

// bug-classes A1
#[test]
fn two_takes_wake_two_pushers_though_neither_has_run() {
    let (producer, consumer) = Policy::Block.channel(2);
    producer.push_batch(&[1, 2]).unwrap();
    let tasks = [Task::new(), Task::new(), Task::new()];
    let mut pushes = [3, 4, 5].map(|n| producer.push_async(n));
    for (task, push) in tasks.iter().zip(&mut pushes) {
        assert!(task.poll_unpin(push).is_pending());
    }
    assert_eq!(consumer.take(), Some(1));
    assert_eq!(consumer.take(), Some(2));
    assert_eq!(woken(&tasks), [true, true, false]);
    assert!(tasks[0].poll_unpin(&mut pushes[0]).is_ready());
    assert!(tasks[1].poll_unpin(&mut pushes[1]).is_ready());
}

// bug-classes A1
#[test]
fn a_taken_batch_wakes_as_many_pushers_as_it_makes_room_for() {
    let (producer, consumer) = Policy::Block.channel(3);
    producer.push_batch(&[1, 2, 3]).unwrap();
    let tasks: Vec<_> = (0..5).map(|_| Task::new()).collect();
    let mut pushes: Vec<_> = (0..5).map(|n| producer.push_async(n)).collect();
    for (task, push) in tasks.iter().zip(&mut pushes) {
        assert!(task.poll_unpin(push).is_pending());
    }
    assert_eq!(consumer.take_batch(9).len(), 3);
    assert_eq!(count_woken(&tasks), 3);
}

// bug-classes A1, A6
#[test]
fn parked_threads_are_woken_one_for_each_item() {
    in_time(|| {
        for policy in POLICIES {
            for _ in up_to(500) {
                let (producer, consumer) = policy.channel(4);
                let takers = [(); 3].map(|()| {
                    let consumer = consumer.clone();
                    thread::spawn(move || consumer.take())
                });
                for n in 0..3 {
                    producer.push(n).unwrap();
                }
                let mut taken = takers.map(|taker| taker.join().unwrap().unwrap());
                taken.sort_unstable();
                assert_eq!(taken, [0, 1, 2]);
            }
        }
    });
}

// bug-classes A1, G6
#[test]
fn parked_threads_that_push_wake_each_other_once_each() {
    const THREADS: usize = 4;
    in_time(|| {
        for _ in up_to(500) {
            let (producer, consumer) = Policy::Block.channel(8);
            producer.push_batch(&[0; 8]).unwrap();
            let pushers = [(); THREADS].map(|()| {
                let producer = producer.clone();
                thread::spawn(move || producer.push(1).unwrap())
            });
            while consumer.stats().pushers_parked < THREADS as u64 {
                thread::yield_now();
            }
            assert_eq!(consumer.try_take_batch(8), Ok(vec![0; 8]));
            pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
            assert_eq!(consumer.len(), THREADS);
            let stats = consumer.stats();
            assert_eq!((stats.pushers_parked, stats.pushers_woken), (4, 4));
        }
    });
}

// ------------------------------------------------ woken, but forgotten, dropped, or late

// bug-classes A2
#[test]
fn a_forgotten_take_does_not_keep_others_from_later_items() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(4);
        let (tasks, mut takes) = parked_takes::<3>(&consumer);
        producer.push(1).unwrap();
        assert_eq!(woken(&tasks), [true, false, false]);
        mem::forget(takes[0].take());
        producer.push(2).unwrap();
        assert_eq!(woken(&tasks), [true, true, false]);
        mem::forget(takes[1].take());
        producer.push(3).unwrap();
        assert_eq!(woken(&tasks), [true, true, true]);
        assert_eq!(poll_take(&tasks[2], &mut takes[2]), Poll::Ready(Some(1)));
    }
}

// bug-classes A2, D6
#[test]
fn a_forgotten_push_does_not_keep_others_from_later_room() {
    let (producer, consumer) = Policy::Block.channel(2);
    producer.push_batch(&[1, 2]).unwrap();
    let tasks = [Task::new(), Task::new()];
    let mut pushes = [3, 4].map(|n| Some(Box::pin(producer.push_async(n))));
    for (task, push) in tasks.iter().zip(&mut pushes) {
        assert!(task.poll(push.as_mut().unwrap()).is_pending());
    }
    consumer.take().unwrap();
    assert_eq!(woken(&tasks), [true, false]);
    mem::forget(pushes[0].take());
    consumer.take().unwrap();
    assert_eq!(woken(&tasks), [true, true]);
    assert_eq!(tasks[1].poll(pushes[1].as_mut().unwrap()), Poll::Ready(Ok(())));
}

// bug-classes A2
#[test]
fn a_task_that_is_never_polled_again_does_not_stall_threads() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(4);
        let sleepy = Task::new();
        let mut take = Box::pin(consumer.take_async());
        assert!(sleepy.poll(&mut take).is_pending());
        let taker = thread::spawn({
            let consumer = consumer.clone();
            move || consumer.iter().count()
        });
        let_others_park();
        for n in 0..100 {
            producer.push(n).unwrap();
        }
        producer.close();
        let counted = taker.join().unwrap();
        assert_eq!(counted, 100);
    });
}

// bug-classes A3
#[test]
fn a_take_dropped_after_it_was_woken_wakes_another() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(4);
        let (tasks, mut takes) = parked_takes::<3>(&consumer);
        producer.push(1).unwrap();
        assert_eq!(woken(&tasks), [true, false, false]);
        takes[0] = None;
        assert_eq!(woken(&tasks), [true, true, false]);
        takes[1] = None;
        assert_eq!(woken(&tasks), [true, true, true]);
        assert_eq!(poll_take(&tasks[2], &mut takes[2]), Poll::Ready(Some(1)));
    }
}

// bug-classes A3
#[test]
fn a_place_left_after_it_was_woken_wakes_another() {
    let (producer, consumer) = Policy::Block.channel(4);
    let tasks = [Task::new(), Task::new()];
    let mut places = [Place::new(), Place::new()];
    for (task, place) in tasks.iter().zip(&mut places) {
        let poll = task.with(|cx| consumer.poll_take_batch_into(cx, place, &mut Vec::new(), 9));
        assert!(poll.is_pending());
    }
    producer.push(1).unwrap();
    assert_eq!(woken(&tasks), [true, false]);
    places[0].leave();
    assert_eq!(woken(&tasks), [true, true]);
}

// bug-classes A3
#[test]
fn a_push_dropped_after_it_was_woken_wakes_another() {
    let (producer, consumer) = Policy::Block.channel(1);
    producer.push(1).unwrap();
    let tasks = [Task::new(), Task::new(), Task::new()];
    let mut pushes = [2, 3, 4].map(|n| Some(producer.push_async(n)));
    for (task, push) in tasks.iter().zip(&mut pushes) {
        assert!(task.poll_unpin(push.as_mut().unwrap()).is_pending());
    }
    consumer.take().unwrap();
    assert_eq!(woken(&tasks), [true, false, false]);
    assert_eq!(pushes[0].take().unwrap().into_item(), Some(2));
    assert_eq!(woken(&tasks), [true, true, false]);
    drop(pushes[1].take());
    assert_eq!(woken(&tasks), [true, true, true]);
    assert!(tasks[2].poll_unpin(pushes[2].as_mut().unwrap()).is_ready());
}

// bug-classes A3
#[test]
fn a_take_dropped_after_it_was_woken_wakes_a_parked_thread() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(4);
        let task = Task::new();
        let mut take = Box::pin(consumer.take_async());
        assert!(task.poll(&mut take).is_pending());
        let taker = thread::spawn({
            let consumer = consumer.clone();
            move || consumer.take()
        });
        let_others_park();
        producer.push(1).unwrap();
        drop(take);
        assert_eq!(taker.join().unwrap(), Some(1));
    });
}

// bug-classes A4
#[test]
fn a_take_that_succeeds_without_having_been_woken_passes_its_wake_on() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(4);
        let (tasks, mut takes) = parked_takes::<2>(&consumer);
        producer.push(1).unwrap();
        assert_eq!(woken(&tasks), [true, false]);
        // The other one is polled first and takes the item for which the first was woken.
        assert_eq!(poll_take(&tasks[1], &mut takes[1]), Poll::Ready(Some(1)));
        assert!(poll_take(&tasks[0], &mut takes[0]).is_pending());
        producer.push(2).unwrap();
        assert_eq!(tasks[0].wakes(), 2);
        assert_eq!(poll_take(&tasks[0], &mut takes[0]), Poll::Ready(Some(2)));
        assert_eq!(tasks.each_ref().map(Task::kept), [0, 0]);
    }
}

#[test]
fn a_take_that_was_woken_and_succeeds_wakes_nobody_else() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(4);
        let (tasks, mut takes) = parked_takes::<3>(&consumer);
        for n in 0..2 {
            producer.push(n).unwrap();
            assert_eq!(
                poll_take(&tasks[n as usize], &mut takes[n as usize]),
                Poll::Ready(Some(n))
            );
        }
        assert_eq!(woken(&tasks), [true, true, false]);
        producer.push(2).unwrap();
        assert_eq!(poll_take(&tasks[2], &mut takes[2]), Poll::Ready(Some(2)));
        assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1, 1]);
    }
}

#[test]
fn a_push_that_was_woken_and_succeeds_wakes_nobody_else() {
    let (producer, consumer) = Policy::Block.channel(1);
    producer.push(1).unwrap();
    let tasks = [Task::new(), Task::new()];
    let mut pushes = [2, 3].map(|n| producer.push_async(n));
    for (task, push) in tasks.iter().zip(&mut pushes) {
        assert!(task.poll_unpin(push).is_pending());
    }
    for n in 0..2 {
        consumer.take().unwrap();
        assert_eq!(count_woken(&tasks), n + 1);
        assert!(tasks[n].poll_unpin(&mut pushes[n]).is_ready());
        assert_eq!(count_woken(&tasks), n + 1);
    }
    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1]);
}

// bug-classes A4
#[test]
fn a_push_that_succeeds_without_having_been_woken_leaves_no_waker() {
    let (producer, consumer) = Policy::Block.channel(1);
    producer.push(1).unwrap();
    let tasks = [Task::new(), Task::new()];
    let mut pushes = [2, 3].map(|n| producer.push_async(n));
    for (task, push) in tasks.iter().zip(&mut pushes) {
        assert!(task.poll_unpin(push).is_pending());
    }
    consumer.take().unwrap();
    assert!(tasks[1].poll_unpin(&mut pushes[1]).is_ready());
    assert_eq!(tasks[1].kept(), 0);
    assert!(tasks[0].poll_unpin(&mut pushes[0]).is_pending());
    consumer.take().unwrap();
    assert_eq!(woken(&tasks), [true, false]);
    assert!(tasks[0].poll_unpin(&mut pushes[0]).is_ready());
}

// bug-classes A5
#[test]
fn an_item_pushed_as_a_taker_goes_to_sleep_is_not_missed() {
    in_time(|| {
        for policy in POLICIES {
            let (producer, consumer) = policy.channel(1);
            let (reply, replies) = Policy::Block.channel(1);
            // Each item is pushed about when the taker goes to sleep: it sleeps once it has replied.
            let taker = thread::spawn(move || {
                for item in consumer.iter() {
                    reply.push(item).unwrap();
                }
            });
            for n in up_to(50_000) {
                producer.push(n).unwrap();
                assert_eq!(replies.take(), Some(n));
            }
            drop(producer);
            taker.join().unwrap();
        }
    });
}

// bug-classes A5
#[test]
fn room_made_as_a_pusher_goes_to_sleep_is_not_missed() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(1);
        let pusher = thread::spawn(move || {
            let mut pushed = 0;
            for n in up_to(100_000) {
                pushed += 1;
                if n % 2 == 0 {
                    producer.push(n).unwrap();
                } else {
                    futures::executor::block_on(producer.push_async(n)).unwrap();
                }
            }
            pushed
        });
        let taken = consumer
            .iter()
            .enumerate()
            .inspect(|&(n, item)| assert_eq!(item, n))
            .count();
        assert_eq!(pusher.join().unwrap(), taken);
    });
}

// ---------------------------------------------- A7: every end of a reservation wakes the next

/// What holds the one wake that room or an item is good for, and ways for that to end.
#[derive(Clone, Copy, Debug)]
enum End {
    Completed,
    Dropped,
    Returned,
    Forgotten,
    LateByClose,
}

// bug-classes A7
#[test]
fn however_a_woken_push_ends_a_parked_one_is_woken() {
    for end in [
        End::Completed,
        End::Dropped,
        End::Returned,
        End::Forgotten,
        End::LateByClose,
    ] {
        let (producer, consumer) = Policy::Block.channel(1);
        producer.push(1).unwrap();
        let tasks = [Task::new(), Task::new()];
        let mut first = Box::pin(producer.push_async(2));
        let mut second = producer.push_async(3);
        assert!(tasks[0].poll(&mut first).is_pending());
        assert!(tasks[1].poll_unpin(&mut second).is_pending());
        consumer.take().unwrap();
        assert_eq!(woken(&tasks), [true, false], "{end:?}");
        match end {
            End::Completed => {
                assert_eq!(tasks[0].poll(&mut first), Poll::Ready(Ok(())));
                assert_eq!(consumer.take(), Some(2));
            }
            End::Dropped => drop(first),
            End::Returned => assert_eq!(Pin::into_inner(first).into_item(), Some(2)),
            End::Forgotten => {
                mem::forget(first);
                producer.try_push(9).unwrap();
                assert_eq!(consumer.take(), Some(9));
            }
            End::LateByClose => {
                consumer.close();
                assert_eq!(tasks[0].poll(&mut first), Poll::Ready(Err(PushError::Closed(2))));
                assert_eq!(tasks[1].poll_unpin(&mut second), Poll::Ready(Err(PushError::Closed(3))));
                assert!(tasks[1].is_woken());
                continue;
            }
        }
        assert_eq!(woken(&tasks), [true, true], "{end:?}");
        assert_eq!(tasks[1].poll_unpin(&mut second), Poll::Ready(Ok(())), "{end:?}");
    }
}

// bug-classes A7
#[test]
fn however_a_woken_take_ends_a_parked_one_is_woken() {
    for policy in POLICIES {
        for end in [End::Completed, End::Dropped, End::Forgotten, End::LateByClose] {
            let (producer, consumer) = policy.channel(1);
            let (tasks, mut takes) = parked_takes::<2>(&consumer);
            producer.push(1).unwrap();
            assert_eq!(woken(&tasks), [true, false], "{end:?}");
            match end {
                End::Completed | End::Returned => {
                    assert_eq!(poll_take(&tasks[0], &mut takes[0]), Poll::Ready(Some(1)));
                    producer.push(2).unwrap();
                }
                End::Dropped => takes[0] = None,
                End::Forgotten => {
                    mem::forget(takes[0].take());
                    assert_eq!(consumer.try_take(), Ok(1));
                    producer.push(2).unwrap();
                }
                End::LateByClose => {
                    producer.close();
                    assert_eq!(poll_take(&tasks[0], &mut takes[0]), Poll::Ready(Some(1)));
                    assert_eq!(poll_take(&tasks[1], &mut takes[1]), Poll::Ready(None));
                    assert!(tasks[1].is_woken());
                    continue;
                }
            }
            assert_eq!(woken(&tasks), [true, true], "{policy:?} {end:?}");
            assert!(poll_take(&tasks[1], &mut takes[1]).is_ready(), "{policy:?} {end:?}");
        }
    }
}

// bug-classes A7
#[test]
fn every_way_of_making_room_wakes_a_parked_push() {
    type Take = fn(&Consumer<u32>);
    let ways: [(&str, Take); 8] = [
        ("take", |consumer| _ = consumer.take()),
        ("try_take", |consumer| _ = consumer.try_take()),
        ("take_timeout", |consumer| {
            _ = consumer.take_timeout(std::time::Duration::ZERO)
        }),
        ("take_async", |consumer| {
            _ = futures::executor::block_on(consumer.take_async())
        }),
        ("take_batch", |consumer| drop(consumer.take_batch(1))),
        ("try_take_batch", |consumer| drop(consumer.try_take_batch(usize::MAX))),
        ("take_batch_async", |consumer| {
            drop(futures::executor::block_on(consumer.take_batch_async(9)))
        }),
        ("stream", |consumer| {
            _ = futures::executor::block_on(futures::StreamExt::next(&mut consumer.stream()));
        }),
    ];
    for (name, make_room) in ways {
        let (producer, consumer) = Policy::Block.channel(1);
        producer.push(1).unwrap();
        let (task, mut push) = (Task::new(), producer.push_async(2));
        assert!(task.poll_unpin(&mut push).is_pending());
        make_room(&consumer);
        assert!(task.is_woken(), "{name}");
        assert!(task.poll_unpin(&mut push).is_ready(), "{name}");
    }
}

// bug-classes A7
#[test]
fn every_way_of_pushing_wakes_a_parked_take() {
    type Push = fn(&Producer<u32>);
    let ways: [(&str, Push); 7] = [
        ("push", |producer| producer.push(1).unwrap()),
        ("try_push", |producer| producer.try_push(1).unwrap()),
        ("push_displacing", |producer| _ = producer.push_displacing(1).unwrap()),
        ("push_timeout", |producer| {
            producer.push_timeout(1, std::time::Duration::ZERO).unwrap()
        }),
        ("push_batch", |producer| _ = producer.push_batch(&[1]).unwrap()),
        ("push_async", |producer| {
            futures::executor::block_on(producer.push_async(1)).unwrap()
        }),
        ("sink", |producer| {
            futures::executor::block_on(futures::SinkExt::send(&mut producer.sink(), 1)).unwrap();
        }),
    ];
    for policy in POLICIES {
        for (name, push) in ways {
            let (producer, consumer) = policy.channel(1);
            let (tasks, mut takes) = parked_takes::<1>(&consumer);
            push(&producer);
            assert!(tasks[0].is_woken(), "{policy:?} {name}");
            assert_eq!(poll_take(&tasks[0], &mut takes[0]), Poll::Ready(Some(1)));
        }
    }
}

// bug-classes A8
#[test]
fn an_evicting_push_wakes_a_taker_when_the_first_was_forgotten() {
    let pushes: [fn(&Producer<u32>, u32); 3] = [
        |producer, n| producer.push(n).unwrap(),
        |producer, n| _ = producer.push_displacing(n).unwrap(),
        |producer, n| _ = producer.push_batch(&[n]).unwrap(),
    ];
    for push in pushes {
        let (producer, consumer) = Policy::DropOldest.channel(1);
        let (tasks, mut takes) = parked_takes::<2>(&consumer);
        push(&producer, 1);
        assert_eq!(woken(&tasks), [true, false]);
        mem::forget(takes[0].take());
        push(&producer, 2);
        assert_eq!(woken(&tasks), [true, true]);
        assert_eq!(poll_take(&tasks[1], &mut takes[1]), Poll::Ready(Some(2)));
    }
}

// ---------------------------------------------------------------------- closing

// bug-classes A9
#[test]
fn dropping_the_last_consumer_wakes_every_pusher() {
    in_time(|| {
        for _ in up_to(100) {
            let (producer, consumer) = Policy::Block.channel(1);
            producer.push(0).unwrap();
            let pushers: Vec<_> = (1..5)
                .map(|n| {
                    let producer = producer.clone();
                    thread::spawn(move || match n % 3 {
                        0 => producer.push(n),
                        1 => futures::executor::block_on(producer.push_async(n)),
                        _ => producer.push_timeout(n, std::time::Duration::MAX),
                    })
                })
                .collect();
            let batcher = thread::spawn({
                let producer = producer.clone();
                move || producer.push_batch(&[7, 8])
            });
            thread::sleep(std::time::Duration::from_millis(2));
            drop(consumer);
            for (n, pusher) in (1..).zip(pushers) {
                assert_eq!(pusher.join().unwrap(), Err(PushError::Closed(n)));
            }
            assert_eq!(batcher.join().unwrap(), Err(BatchPushError::Closed { pushed: 0 }));
        }
    });
}

// bug-classes A9
#[test]
fn dropping_the_last_producer_wakes_every_taker() {
    in_time(|| {
        for policy in POLICIES {
            for _ in up_to(100) {
                let (producer, consumer) = policy.channel::<u32>(1);
                let takers: Vec<_> = (0..4)
                    .map(|n| {
                        let consumer = consumer.clone();
                        thread::spawn(move || match n % 3 {
                            0 => consumer.take(),
                            1 => futures::executor::block_on(consumer.take_async()),
                            _ => consumer.take_batch(9).pop(),
                        })
                    })
                    .collect();
                thread::sleep(std::time::Duration::from_millis(2));
                drop(producer);
                assert!(takers.into_iter().all(|taker| taker.join().unwrap().is_none()));
            }
        }
    });
}

// bug-classes A9
#[test]
fn closing_wakes_every_task() {
    type Close = fn(Producer<u32>, &Consumer<u32>);
    let closings: [Close; 3] = [
        |producer, _| drop(producer),
        |producer, _| mem::forget((producer.close(), producer)),
        |producer, consumer| mem::forget((consumer.close(), producer)),
    ];
    for close in closings {
        let (producer, consumer) = Policy::Block.channel(1);
        let (tasks, mut takes) = parked_takes::<3>(&consumer);
        close(producer, &consumer);
        assert_eq!(count_woken(&tasks), 3);
        for n in 0..3 {
            assert_eq!(poll_take(&tasks[n], &mut takes[n]), Poll::Ready(None));
            assert_eq!(tasks[n].kept(), 0);
        }
    }
}

// bug-classes A7
#[test]
fn those_who_wait_for_the_close_are_all_woken_by_it() {
    let closings: [fn(Consumer<u32>); 2] = [drop, |consumer| assert!(consumer.close())];
    for close in closings {
        let (producer, consumer) = Policy::Block.channel(1);
        let tasks = [Task::new(), Task::new(), Task::new()];
        let mut closed = [(); 3].map(|()| Box::pin(producer.closed()));
        for n in 0..3 {
            assert!(tasks[n].poll(&mut closed[n]).is_pending());
        }
        producer.push(1).unwrap();
        assert_eq!(count_woken(&tasks), 0);
        close(consumer);
        assert_eq!(count_woken(&tasks), 3);
        for n in 0..3 {
            assert!(tasks[n].poll(&mut closed[n]).is_ready());
        }
        assert!(Task::new().poll(&mut Box::pin(producer.closed())).is_ready());
    }
}

// ----------------------------------------------------------------------- wakers

// bug-classes A11
#[test]
fn only_the_last_waker_of_a_take_need_fire() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(1);
        let (old, new) = (Task::new(), Task::new());
        let mut take = Box::pin(consumer.take_async());
        assert!(old.poll(&mut take).is_pending());
        assert!(new.poll(&mut take).is_pending());
        assert_eq!(old.kept(), 0);
        drop(old);
        producer.push(1).unwrap();
        assert!(new.is_woken());
        assert_eq!(new.poll(&mut take), Poll::Ready(Some(1)));
    }
}

// bug-classes A11
#[test]
fn only_the_last_waker_of_a_push_need_fire() {
    let (producer, consumer) = Policy::Block.channel(1);
    producer.push(1).unwrap();
    let (old, new) = (Task::new(), Task::new());
    let mut push = producer.push_async(2);
    assert!(old.poll_unpin(&mut push).is_pending());
    assert!(new.poll_unpin(&mut push).is_pending());
    consumer.take().unwrap();
    assert!(new.is_woken() && !old.is_woken());
}

// bug-classes A11
#[test]
fn a_take_woken_through_one_waker_and_parked_again_through_another_is_woken_through_that() {
    let (producer, consumer) = Policy::Block.channel(1);
    let (old, new) = (Task::new(), Task::new());
    let mut take = Box::pin(consumer.take_async());
    assert!(old.poll(&mut take).is_pending());
    producer.push(1).unwrap();
    assert_eq!(consumer.try_take(), Ok(1));
    assert!(new.poll(&mut take).is_pending());
    producer.push(2).unwrap();
    assert_eq!((old.wakes(), new.wakes()), (1, 1));
}

// bug-classes A12
#[test]
fn no_waker_is_kept_once_its_future_is_gone() {
    let (producer, consumer) = Policy::Block.channel::<u32>(1);
    let task = Task::new();
    let mut take = Box::pin(consumer.take_async());
    assert!(task.poll(&mut take).is_pending());
    assert_eq!(task.kept(), 1);
    drop(take);
    assert_eq!(task.kept(), 0);

    let mut closed = Box::pin(producer.closed());
    assert!(task.poll(&mut closed).is_pending());
    drop(closed);
    assert_eq!(task.kept(), 0);

    producer.push(1).unwrap();
    let mut push = producer.push_async(2);
    assert!(task.poll_unpin(&mut push).is_pending());
    drop(push);
    assert_eq!(task.kept(), 0);

    let mut push = Box::pin(producer.push_async(2));
    assert!(task.poll(&mut push).is_pending());
    consumer.take().unwrap();
    // Its waker has been used up.
    assert_eq!((task.wakes(), task.kept()), (1, 0));
}

// bug-classes A12
#[test]
fn no_waker_is_kept_once_its_handle_is_gone() {
    let (producer, consumer) = Policy::Block.channel::<u32>(1);
    let task = Task::new();
    let mut stream = Box::pin(consumer.into_stream());
    assert!(
        task.with(|cx| futures::Stream::poll_next(stream.as_mut(), cx))
            .is_pending()
    );
    assert_eq!(task.kept(), 1);
    drop(stream);
    assert_eq!(task.kept(), 0);
    assert!(producer.is_closed());
}

// ------------------------------------------------------------------- idle and fair

// bug-classes G6
#[test]
fn polling_in_vain_registers_once_and_wakes_nobody() {
    let (producer, consumer) = Policy::Block.channel(1);
    let (task, thief) = (Task::new(), Task::new());
    let mut take = Box::pin(consumer.take_async());
    for _ in 0..rounds(100_000) {
        assert!(task.poll(&mut take).is_pending());
        assert!(thief.poll(&mut Box::pin(consumer.take_async())).is_pending());
        assert!(task.kept() <= 1);
        assert_eq!(thief.kept(), 0);
    }
    assert_eq!((task.wakes(), thief.wakes()), (0, 0));
    producer.push(1).unwrap();
    assert_eq!((task.wakes(), thief.wakes()), (1, 0));
}

// bug-classes G6
#[test]
fn a_task_whose_items_are_stolen_is_woken_at_most_once_for_each() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(1);
        let task = Task::new();
        let mut take = Box::pin(consumer.take_async());
        assert!(task.poll(&mut take).is_pending());
        for n in 0..rounds(100_000) {
            producer.push(n).unwrap();
            assert_eq!(consumer.try_take(), Ok(n));
            assert!(task.poll(&mut take).is_pending());
            assert!(task.wakes() <= n + 1 && task.kept() <= 1);
        }
    }
}

// bug-classes G6
#[test]
fn pushes_wake_nobody_when_nobody_waits() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(1000);
        let task = Task::new();
        let mut take = Box::pin(consumer.take_async());
        assert!(task.poll(&mut take).is_pending());
        for n in 0..1000 {
            producer.push(n).unwrap();
        }
        // Woken for the first, it has not run and is not woken for the others.
        assert_eq!(task.wakes(), 1);
    }
}

// bug-classes G7
#[test]
fn a_batch_as_large_as_the_channel_gets_through_a_trickle_of_pushes() {
    const SINGLE: usize = usize::MAX;
    const END: usize = usize::MAX - 1;
    in_time(|| {
        for capacity in [1, 3, 8] {
            let (producer, consumer) = Policy::Block.channel(capacity);
            let trickle = thread::spawn({
                let producer = producer.clone();
                move || while producer.push(SINGLE).is_ok() {}
            });
            let batcher = thread::spawn(move || {
                for _ in up_to(1_000) {
                    let mut items: Vec<_> = (0..capacity).collect();
                    futures::executor::block_on(producer.push_from_async(&mut items)).unwrap();
                }
                producer.push(END).unwrap();
            });
            let mut next = 0;
            loop {
                match consumer.take().unwrap() {
                    END => break,
                    SINGLE => {}
                    item => {
                        assert_eq!(item, next);
                        next = (next + 1) % capacity;
                    }
                }
            }
            assert_eq!(next, 0);
            drop(consumer);
            batcher.join().unwrap();
            trickle.join().unwrap();
        }
    });
}

// bug-classes G7
#[test]
fn a_batch_larger_than_the_channel_finishes() {
    let (producer, consumer) = Policy::Block.channel(2);
    let task = Task::new();
    let mut items: Vec<_> = (0..7).collect();
    let mut push = Box::pin(producer.push_from_async(&mut items));
    let mut taken = Vec::new();
    let mut wakes = 0;
    while task.poll(&mut push).is_pending() {
        taken.extend(consumer.take_batch(1));
        wakes += 1;
        assert_eq!(task.wakes(), wakes);
    }
    taken.extend(consumer.try_iter());
    assert_eq!(taken, [0, 1, 2, 3, 4, 5, 6]);
}

// ------------------------------------------------------------------------- sinks

// bug-classes A7
#[test]
fn a_sink_that_is_ready_but_sends_nothing_passes_the_room_on() {
    let (producer, consumer) = Policy::Block.channel(1);
    producer.push(1).unwrap();
    let tasks = [Task::new(), Task::new()];
    let mut sink = Box::pin(producer.sink());
    let mut push = producer.push_async(3);
    assert!(tasks[0].with(|cx| sink.as_mut().poll_ready(cx)).is_pending());
    assert!(tasks[1].poll_unpin(&mut push).is_pending());
    consumer.take().unwrap();
    assert_eq!(woken(&tasks), [true, false]);
    // The sink learns that it is ready, and then does nothing with it.
    assert!(tasks[0].with(|cx| sink.as_mut().poll_ready(cx)).is_ready());
    assert_eq!(woken(&tasks), [true, true]);
    assert!(tasks[1].poll_unpin(&mut push).is_ready());
}

// bug-classes A3, A7
#[test]
fn a_sink_dropped_after_it_was_woken_passes_the_room_on() {
    let (producer, consumer) = Policy::Block.channel(1);
    producer.push(1).unwrap();
    let tasks = [Task::new(), Task::new()];
    let mut sink = Box::pin(producer.sink());
    let mut push = producer.push_async(3);
    assert!(tasks[0].with(|cx| sink.as_mut().poll_ready(cx)).is_pending());
    assert!(tasks[1].poll_unpin(&mut push).is_pending());
    consumer.take().unwrap();
    drop(sink);
    assert_eq!(woken(&tasks), [true, true]);
    assert_eq!(tasks[0].kept(), 0);
}

#[test]
fn every_sink_whose_room_was_taken_is_woken_again() {
    let (producer, consumer) = Policy::Block.channel(1);
    producer.push(1).unwrap();
    let tasks = [Task::new(), Task::new()];
    let mut sinks = [(); 2].map(|()| Box::pin(producer.sink()));
    for n in 0..2 {
        assert!(tasks[n].with(|cx| sinks[n].as_mut().poll_ready(cx)).is_pending());
    }
    assert_eq!(consumer.take(), Some(1));
    // Both find room, but there is room for one.
    for n in 0..2 {
        assert!(tasks[n].with(|cx| sinks[n].as_mut().poll_ready(cx)).is_ready());
    }
    for (sink, item) in sinks.iter_mut().zip(10..) {
        sink.as_mut().start_send(item).unwrap();
    }
    assert_eq!(consumer.len(), 1);
    assert!(tasks[0].with(|cx| sinks[0].as_mut().poll_flush(cx)).is_ready());
    assert!(tasks[1].with(|cx| sinks[1].as_mut().poll_flush(cx)).is_pending());
    let wakes = tasks[1].wakes();
    assert_eq!(consumer.take(), Some(10));
    assert_eq!(tasks[1].wakes(), wakes + 1);
    assert!(tasks[1].with(|cx| sinks[1].as_mut().poll_flush(cx)).is_ready());
    assert_eq!(consumer.take(), Some(11));
}
