//! smoke
use mpsc_ring::*;
use std::thread;
#[test]
fn four_to_one() {
    for cap in [1usize, 2, 3, 1024] {
        let (p, c) = channel::<u64>(cap, BackPressurePolicy::Block);
        let n = 200_000u64;
        let hs: Vec<_> = (0..4)
            .map(|t| {
                let p = p.clone();
                thread::spawn(move || {
                    for i in 0..n {
                        p.push(t * n + i).unwrap()
                    }
                })
            })
            .collect();
        drop(p);
        let mut next = [0u64; 4];
        let mut v = Vec::new();
        while c.take_batch_into(&mut v, 256) > 0 {
            for x in v.drain(..) {
                let t = (x / n) as usize;
                assert_eq!(x % n, next[t]);
                next[t] += 1;
            }
        }
        for h in hs {
            h.join().unwrap();
        }
        assert_eq!(next, [n; 4]);
        assert!(c.stats().is_balanced());
    }
}
#[test]
fn tokio_four_to_one() {
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    for cap in [1usize, 2, 3, 1024] {
        rt.block_on(async move {
            let (p, c) = channel::<u64>(cap, BackPressurePolicy::Block);
            let n = 50_000u64;
            for t in 0..4 {
                let p = p.clone();
                tokio::spawn(async move {
                    for i in 0..n {
                        p.push_async(t * n + i).await.unwrap()
                    }
                });
            }
            drop(p);
            let mut next = [0u64; 4];
            loop {
                let v = c.take_batch_async(256).await;
                if v.is_empty() {
                    break;
                }
                for x in v {
                    let t = (x / n) as usize;
                    assert_eq!(x % n, next[t]);
                    next[t] += 1;
                }
            }
            assert_eq!(next, [n; 4]);
        });
    }
}
#[test]
fn oldest() {
    let (p, c) = channel::<String>(3, BackPressurePolicy::DropOldest);
    let n = 100_000u64;
    let hs: Vec<_> = (0..4)
        .map(|t| {
            let p = p.clone();
            thread::spawn(move || {
                for i in 0..n {
                    let _ = p.push((t * n + i).to_string());
                }
            })
        })
        .collect();
    drop(p);
    let mut got = 0;
    while let Some(_x) = c.take() {
        got += 1
    }
    for h in hs {
        h.join().unwrap();
    }
    let s = c.stats();
    println!("{s:?} {got}");
    assert!(s.is_balanced());
    assert_eq!(s.offered(), 4 * n);
    assert_eq!(s.taken, got);
}
