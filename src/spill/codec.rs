//! How items become bytes and bytes become items.

use std::error::Error;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::SpillError;
use super::records::Records;

/// Writes items of type `T` as bytes and reads them back.
///
/// [`Postcard`] does so for every type that serde knows, [`RawBytes`] for items that are bytes already.
///
/// Both methods run on the thread that appends or reads, while no lock is held. Only while [`sync`](crate::Producer::sync) and its
/// like encode what is in a channel's memory, takes of that channel wait: an `encode` that takes from its own channel, syncs or ends it, waits for ever.
/// If `encode` panics, nothing has been written; a record for which `decode` fails or panics is skipped and counted.
///
/// # Examples
///
/// ```
/// use std::error::Error;
/// use mpsc_ring::{Codec, Spill};
///
/// struct Celsius(f64);
///
/// struct LittleEndian;
///
/// impl Codec<Celsius> for LittleEndian {
///     fn encode(&self, item: &Celsius, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
///         out.extend_from_slice(&item.0.to_le_bytes());
///         Ok(())
///     }
///
///     fn decode(&self, bytes: &[u8]) -> Result<Celsius, Box<dyn Error + Send + Sync>> {
///         Ok(Celsius(f64::from_le_bytes(bytes.try_into()?)))
///     }
/// }
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path();
/// let spill: Spill<Celsius> = Spill::options().codec(LittleEndian).open(dir).unwrap();
/// ```
pub trait Codec<T>: Send + Sync {
    /// Appends `item` to `out`, which may hold other items already: leave them alone.
    ///
    /// # Errors
    ///
    /// Whatever keeps the item from being written. What was appended is discarded then.
    fn encode(&self, item: &T, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Makes an item of exactly the bytes that [`encode`](Self::encode) appended for it.
    ///
    /// # Errors
    ///
    /// If the bytes are no item.
    fn decode(&self, bytes: &[u8]) -> Result<T, Box<dyn Error + Send + Sync>>;
}

/// The codec that is used unless another is chosen: the `postcard` format of what serde makes of an item.
///
/// The format does not describe itself: a log must be read by the type that wrote it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postcard;

impl<T: Serialize + DeserializeOwned> Codec<T> for Postcard {
    fn encode(&self, item: &T, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(postcard::serialize_with_flavor(item, Appender(out))?)
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, Box<dyn Error + Send + Sync>> {
        match postcard::take_from_bytes(bytes)? {
            (item, []) => Ok(item),
            _ => Err("bytes are left over".into()),
        }
    }
}

/// Appends what `postcard` writes.
struct Appender<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Appender<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// The codec for items that are bytes: `Vec<u8>`, `Box<[u8]>`, `Arc<[u8]>`, `bytes::Bytes` and the like.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{RawBytes, Spill};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path();
/// let spill: Spill<Vec<u8>> = Spill::options().codec(RawBytes).open(dir).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RawBytes;

impl<T: AsRef<[u8]> + From<Vec<u8>>> Codec<T> for RawBytes {
    #[inline]
    fn encode(&self, item: &T, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
        out.extend_from_slice(item.as_ref());
        Ok(())
    }

    #[inline]
    fn decode(&self, bytes: &[u8]) -> Result<T, Box<dyn Error + Send + Sync>> {
        Ok(bytes.to_vec().into())
    }
}

/// A codec for many items at a time, so that a log need know only this much of it.
pub(crate) trait BatchCodec<T>: Send + Sync {
    /// Adds `items` to `records`, up to the first that cannot be encoded.
    fn encode(&self, items: &[T], records: &mut Records) -> Result<(), SpillError>;

    /// Adds the items in `records` to `out`; returns what were no items.
    ///
    /// A codec that panics is taken to say that the record is no item: the others must not be lost with it.
    fn decode(&self, records: &Records, out: &mut Vec<T>) -> Undecodable;
}

/// Records that were no items.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Undecodable {
    pub(crate) count: usize,
    /// How many of them came before the first item.
    pub(crate) leading: usize,
}

impl<T, C: Codec<T>> BatchCodec<T> for C {
    fn encode(&self, items: &[T], records: &mut Records) -> Result<(), SpillError> {
        items
            .iter()
            .try_for_each(|item| records.push(|out| Codec::encode(self, item, out)))
    }

    fn decode(&self, records: &Records, out: &mut Vec<T>) -> Undecodable {
        out.reserve(records.count());
        let mut iter = records.iter();
        let before = out.len();
        let mut undecodable = Undecodable::default();
        let mut count_in = |out: &Vec<T>| {
            undecodable.count += 1;
            undecodable.leading += usize::from(out.len() == before);
        };
        loop {
            let decoded = catch_unwind(AssertUnwindSafe(|| {
                for record in iter.by_ref() {
                    // There is room for all of them. Said here, it lets an item go straight to its place, not by way of the stack.
                    assert!(out.len() < out.capacity());
                    match Codec::decode(self, record) {
                        Ok(item) => out.push(item),
                        Err(_) => count_in(out),
                    }
                }
            }));
            match decoded {
                Ok(()) => return undecodable,
                Err(panic) => {
                    mem::forget(panic); // Its destructor might panic as well.
                    count_in(out);
                }
            }
        }
    }
}
