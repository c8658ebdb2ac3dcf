//! What travels through the ring: an event in a form that can wait.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeMap, Serializer};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

/// An event keeps so many fields beside its message.
const FIELDS: usize = 4;

/// An event that is not formatted before it is written, but for its message and what only knows how to print itself.
pub struct Record {
    /// Microseconds since 1970.
    time_us: u64,
    /// Threads have numbers, in the order in which they first logged.
    thread: u32,
    /// Level, target and the names of the fields are there for as long as the program.
    what: &'static Metadata<'static>,
    message: String,
    fields: [Option<(&'static str, Value)>; FIELDS],
}

enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    Text(String),
}

impl Record {
    pub fn of(event: &Event<'_>) -> Self {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let mut record = Self {
            time_us: since_1970.as_micros() as u64,
            thread: thread_number(),
            what: event.metadata(),
            message: String::new(),
            fields: [const { None }; FIELDS],
        };
        event.record(&mut record);
        record
    }

    fn keep(&mut self, field: &Field, value: Value) {
        if let Some(free) = self.fields.iter_mut().find(|field| field.is_none()) {
            *free = Some((field.name(), value));
        }
    }
}

fn thread_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static NUMBER: u32 = NEXT.fetch_add(1, Relaxed);
    }
    NUMBER.with(|number| *number)
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            _ => self.keep(field, Value::Text(text)),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            _ => self.keep(field, Value::Text(value.to_owned())),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, Value::Unsigned(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, Value::Signed(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, Value::Float(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, Value::Bool(value));
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time_us", &self.time_us)?;
        map.serialize_entry("level", self.what.level().as_str())?;
        map.serialize_entry("target", self.what.target())?;
        map.serialize_entry("thread", &self.thread)?;
        map.serialize_entry("message", &self.message)?;
        for (name, value) in self.fields.iter().flatten() {
            match value {
                Value::Unsigned(value) => map.serialize_entry(name, value)?,
                Value::Signed(value) => map.serialize_entry(name, value)?,
                Value::Float(value) => map.serialize_entry(name, value)?,
                Value::Bool(value) => map.serialize_entry(name, value)?,
                Value::Text(value) => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}
