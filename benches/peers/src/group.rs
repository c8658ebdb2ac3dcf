//! The parts of the comparison.

/// Cases that belong together, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What the machine itself takes.
    Calibration,
    /// One thread has both ends.
    OneThread,
    /// Threads push, nobody takes.
    Pushing,
    /// The drop-in types and what they replace.
    DropIns,
    /// Threads push, a thread takes.
    Threads,
    /// Tasks push, a task takes.
    Tasks,
    /// Threads push, a task takes.
    ThreadsToTask,
    /// More and more threads push, a thread takes.
    Scaling,
    /// How long a push takes at a steady rate.
    Latency,
    /// What a push takes that finds the consumer asleep.
    Waking,
    /// What a consumer takes when little happens.
    Idle,
    /// Everything on one CPU.
    OneCpu,
    /// What a large channel allocates.
    Memory,
    /// Logs and queues on disk.
    Disk,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 14] = [
        Self::Calibration,
        Self::OneThread,
        Self::Pushing,
        Self::DropIns,
        Self::Threads,
        Self::Tasks,
        Self::ThreadsToTask,
        Self::Scaling,
        Self::Latency,
        Self::Waking,
        Self::Idle,
        Self::OneCpu,
        Self::Memory,
        Self::Disk,
    ];

    /// How a report names it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Calibration => "Calibration",
            Self::OneThread => "One thread",
            Self::Pushing => "Threads that only push",
            Self::DropIns => "Drop-in types",
            Self::Threads => "Threads to a thread",
            Self::Tasks => "Tasks to a task",
            Self::ThreadsToTask => "Threads to a task",
            Self::Scaling => "Scaling by producers",
            Self::Latency => "Latency of a push",
            Self::Waking => "Cost of waking",
            Self::Idle => "Cost of little traffic",
            Self::OneCpu => "Everything on one CPU",
            Self::Memory => "Memory",
            Self::Disk => "On disk",
        }
    }

    /// What a reader should know before the figures.
    pub fn about(self) -> &'static str {
        match self {
            Self::Calibration => "What the machine itself takes, to hold the figures against.",
            Self::OneThread => "One thread has both ends: what an operation costs when nobody is in the way.",
            Self::Pushing => {
                "Threads push as fast as they can, nobody takes. A full channel holds 1024 items; a push that gives its item back, as \
                 ours does where a thread was stopped in the middle of one, counts for nothing but its time."
            }
            Self::DropIns => "The drop-in types next to what they replace, on one thread.",
            Self::Threads => {
                "Threads push as fast as they can, a thread takes; capacity 1024, and who finds no room or no item waits."
            }
            Self::Tasks => "Tasks push as fast as they can, a task takes batches; two workers, capacity 1024.",
            Self::ThreadsToTask => "Threads push as fast as they can, a task takes batches; capacity 1024.",
            Self::Scaling => {
                "More and more threads push u64 as fast as they can, one thread takes. \
                 Two of the points are those of the cases above."
            }
            Self::Latency => {
                "How long a push takes at 2 million pushes a second in all, u64, capacity 8192. \
                 Each figure has the cost of the clock in it: see the timer alone, which pushes nothing. \
                 Many a clock moves in steps of 10 ns: what differs by that differs by nothing. \
                 A producer that fell behind its schedule pushes at once until it has caught up. \
                 One producer and the consumer are pinned to a core each; four go where the system puts them. \
                 Beside it, the CPU that the consumer's thread took, in % of a core. \
                 Who lingers takes batches by a timer of 1 ms: ours by its own means, the others by sleeping before each."
            }
            Self::Waking => {
                "A push every 75 µs into an empty channel whose consumer has gone to sleep, so that each has to wake it. \
                 The cost of the clock is in it, as above, and both are pinned to a core each. \
                 Whose pushes cost next to nothing and whose CPU is all of a core does not sleep so soon."
            }
            Self::Idle => {
                "1000 pushes a second: the CPU that receiving takes, in % of a core. \
                 For a task, that is what the process took without the producer."
            }
            Self::OneCpu => {
                "All threads of a case are pinned to one CPU. kanal and crossfire ask once how many cores there are, and \
                 here still believe what they were told at the start; --one-cpu pins the process before that."
            }
            Self::Memory => {
                "Bytes held for each slot of a channel for a million items of 64 bytes. Some allocate at the start, some as they fill."
            }
            Self::Disk => {
                "Logs and queues on disk, items of 64 bytes. Nobody waits for the medium, and what is read is in the page cache: \
                 this is the cost of the log, not of the disk. yaque and queue-file hand every call to the system; ours gathers \
                 256 KiB first, half a second at most, as do the buffered files, and what is gathered goes with a process that \
                 is killed. Reading includes that ours and yaque remove the files that have been read."
            }
        }
    }
}
