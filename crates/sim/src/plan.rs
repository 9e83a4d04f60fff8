//! What a seed wants to happen: plain data, so that steps can be left out and the rest still means the same.

use span::DurationNanos;
use store_columnar::{Dice, Fault, Limits, Outage, Retention};

/// How many tenants write.
pub(crate) const TENANTS: u8 = 3;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// A run, before it is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it comes from.
    pub seed: u64,
    /// The engine's sizes.
    pub shape: Shape,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// How the engine is set up.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its sizes.
    pub limits: Limits,
    /// What it forgets.
    pub retention: Retention,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A group of batches is written.
    Write(Vec<Parcel>),
    /// The write so many before the last comes again, as a sender's retry does.
    Retry {
        /// How many lie between.
        back: u64,
    },
    /// Heads that are old are sealed.
    SealDue,
    /// All heads are sealed.
    SealAll,
    /// The oldest sealed head is frozen.
    Freeze,
    /// Everything is frozen.
    FreezeAll,
    /// A run of segments of a past hour becomes one.
    Compact,
    /// What is too old or too much is forgotten.
    Retain,
    /// Time goes on.
    Wait {
        /// By so many nanoseconds.
        ns: u64,
    },
    /// The clock is set back.
    WaitBack {
        /// By so many nanoseconds.
        ns: u64,
    },
    /// Something will happen to the disk.
    Trouble {
        /// What.
        what: Trouble,
        /// So many calls from now.
        calls: u64,
    },
    /// The disk has only so many bytes left.
    Fill {
        /// How many.
        spare: u64,
    },
    /// The disk has room again.
    Empty,
    /// Everything is compared.
    Check,
    /// Something is read, whatever happens to the disk.
    Read {
        /// What.
        seed: u64,
    },
    /// A listing begins that is read later.
    Hold {
        /// Whose.
        tenant: u8,
    },
    /// The oldest held listing is read to its end.
    Drain,
    /// Everything is frozen, and then bits of segments flip while the engine is away.
    Rot {
        /// Which.
        seed: u64,
    },
    /// The engine is stopped cleanly and started again.
    Stop,
    /// The engine goes away and is started again.
    Crash {
        /// How.
        outage: Outage,
        /// What happens to the disk while it starts.
        troubles: Vec<(Trouble, u64)>,
    },
}

/// What happens to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It goes away, until the next crash.
    Outage,
    /// A sync fails.
    SyncFails,
    /// A sync takes long.
    SyncSlow,
    /// A write fails half done.
    WriteFails,
    /// A read fails.
    ReadFails,
    /// A read gives too few bytes.
    ReadShort,
    /// A read gives bytes of which one bit is another. Only while the engine runs: at its start nobody could tell
    /// such a segment or log from one that is damaged for good.
    ReadFlips,
    /// A file cannot be made, renamed or removed.
    NameFails,
}

/// One batch to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Which batch of the plan it is; its spans' ids come from here.
    pub number: u64,
    /// Whose.
    pub tenant: u8,
    /// What is in it.
    pub content: Content,
}

/// What kind of spans a batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// One to four plain spans of forty traces.
    Small,
    /// Up to sixty spans in which everything that can be odd is.
    Wild,
    /// What the pods of a shop send for a few customers.
    Shop,
    /// A piece of a trace that is larger than a group of rows.
    Big,
}

impl Plan {
    /// Makes the plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let shape = Shape::of(&mut dice);
        let mut planner = Planner { big: dice.one_in(24), dice, number: 0 };
        let count = 20 + planner.dice.below(60);
        let mut steps: Vec<Step> = (0..count).map(|_| planner.step()).collect();
        steps.push(Step::Crash { outage: Outage::Kill, troubles: Vec::new() });
        steps.push(Step::Crash { outage: Outage::PowerCut { seed }, troubles: Vec::new() });
        steps.push(Step::FreezeAll);
        steps.push(Step::Check);
        steps.push(Step::Rot { seed });
        Self { seed, shape, steps }
    }
}

impl Shape {
    fn of(dice: &mut Dice) -> Self {
        let usual = Limits::default();
        let limits = Limits {
            freeze_spans: dice.pick(&[30, 400, usual.freeze_spans]),
            small_head_spans: dice.pick(&[0, usual.small_head_spans]),
            wal_file_bytes: dice.pick(&[8 << 10, 12 << 10, 64 << 10]),
            ..usual
        };
        let age = dice.pick(&[None, Some(2 * HOUR), Some(DAY)]).map(DurationNanos);
        let bytes = if dice.one_in(8) { Some(60_000) } else { None };
        Self { limits, retention: Retention { age, bytes } }
    }
}

impl Trouble {
    /// Returns the fault that it is, at this call.
    pub(crate) const fn at(self, call: u64) -> Fault {
        match self {
            Self::Outage => Fault::OutageAt(call),
            Self::SyncFails => Fault::SyncFailsAt(call),
            Self::SyncSlow => Fault::SyncSlowAt { at: call, takes_ns: 40 * SECOND },
            Self::WriteFails => Fault::WriteFailsAt(call),
            Self::ReadFails => Fault::ReadFailsAt(call),
            Self::ReadShort => Fault::ReadShortAt(call),
            Self::ReadFlips => Fault::ReadFlipsAt(call),
            Self::NameFails => Fault::NameFailsAt(call),
        }
    }
}

struct Planner {
    dice: Dice,
    /// Whether one of its traces is larger than a group of rows.
    big: bool,
    number: u64,
}

impl Planner {
    fn step(&mut self) -> Step {
        let dice = &mut self.dice;
        match dice.below(100) {
            0..36 => self.write(),
            36..41 => Step::Retry { back: dice.below(6) },
            41..44 => Step::SealDue,
            44..48 => Step::SealAll,
            48..55 => Step::Freeze,
            55..58 => Step::FreezeAll,
            58..60 => Step::Retain,
            60..64 => Step::Compact,
            64..67 => Step::Wait {
                ns: dice.pick(&[1, 1_000_000, SECOND, 61 * SECOND, HOUR, HOUR, 3 * HOUR, 2 * DAY]),
            },
            67..69 => Step::WaitBack { ns: dice.pick(&[1, SECOND, HOUR, 3 * HOUR, DAY]) },
            69..77 => Step::Trouble { what: self.trouble_in_life(), calls: 1 + self.dice.below(80) },
            77..79 => Step::Fill { spare: dice.below(60_000) },
            79..80 => Step::Empty,
            80..83 => Step::Check,
            83..88 => Step::Read { seed: dice.roll() },
            88..90 => Step::Hold { tenant: dice.below(u64::from(TENANTS)) as u8 },
            90..92 => Step::Drain,
            92..93 => Step::Stop,
            _ => self.crash(),
        }
    }

    fn write(&mut self) -> Step {
        let count = self.dice.pick(&[1, 1, 1, 2, 4]);
        Step::Write((0..count).map(|_| self.parcel()).collect())
    }

    fn parcel(&mut self) -> Parcel {
        self.number += 1;
        let content = match self.dice.below(20) {
            0..10 => Content::Small,
            10..17 => Content::Wild,
            17 | 18 if self.big => Content::Big,
            _ => Content::Shop,
        };
        let tenant = self.dice.pick(&[0, 0, 0, 1, 2]);
        Parcel { number: self.number, tenant, content }
    }

    fn trouble_in_life(&mut self) -> Trouble {
        if self.dice.one_in(6) { Trouble::ReadFlips } else { self.trouble() }
    }

    fn trouble(&mut self) -> Trouble {
        use Trouble as T;
        self.dice.pick(&[
            T::Outage,
            T::Outage,
            T::Outage,
            T::Outage,
            T::SyncFails,
            T::SyncFails,
            T::SyncSlow,
            T::WriteFails,
            T::WriteFails,
            T::ReadFails,
            T::ReadShort,
            T::NameFails,
        ])
    }

    fn crash(&mut self) -> Step {
        let seed = self.dice.roll();
        let outage = if self.dice.one_in(3) { Outage::Kill } else { Outage::PowerCut { seed } };
        let count = self.dice.pick(&[0, 0, 1, 1, 2]);
        let troubles = (0..count).map(|_| (self.trouble(), 1 + self.dice.below(60))).collect();
        Step::Crash { outage, troubles }
    }
}
