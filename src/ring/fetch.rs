//! Fetching cache lines before they are needed.

/// Asks for the cache line at `address`, which is about to be written. That is a hint: the address need not be valid.
#[inline(always)]
pub(super) fn for_writing<V>(address: *const V) {
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(any(loom, miri))))]
    // SAFETY: a hint that changes nothing a program can see, whatever the address; x86-64 processors since 2006 know or ignore it.
    #[allow(unsafe_code)]
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) address.addr(), options(nomem, nostack, preserves_flags));
    }
    #[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64", not(any(loom, miri)))))]
    let _ = address;
}
