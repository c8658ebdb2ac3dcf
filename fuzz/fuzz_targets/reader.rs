//! Segments and a cursor of any content: opening and reading them must neither panic nor go on for ever.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| mpsc_ring::fuzz_reader(data));
