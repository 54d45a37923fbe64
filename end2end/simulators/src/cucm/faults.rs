//! What can go wrong with a real publisher. Counts run down by themselves.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every answer takes this long, in milliseconds.
    pub latency_ms: u64,
    /// The next so many requests get 503.
    pub throttle: u32,
    /// Seconds in `Retry-After` of those.
    pub retry_after: Option<u64>,
    /// The next so many requests get the memory fault of a busy AXL.
    pub memory: u32,
    /// The next so many requests are read and never answered.
    pub half_open: u32,
    /// The next so many answers break off in the middle.
    pub cut: u32,
    /// The next so many writes are applied and their answer is lost.
    pub lose_answer: u32,
    /// The next so many requests get a page of HTML with status 200.
    pub html: u32,
    /// Only so many more writes are answered; all after that hang, as if the caller were cut off.
    pub writes_left: Option<u32>,
    /// How a list of calling search spaces names their members.
    pub clause: Clause,
    /// What becomes of SQL.
    pub sql: Sql,
    /// Columns (`table.column`) that this version does not have.
    pub missing_columns: Vec<String>,
    /// Operations that this cluster does not carry out.
    pub refused: Vec<String>,
    /// The AXL versions it takes; empty takes all.
    pub versions: Vec<String>,
    /// A list of more rows than this is refused as too large.
    pub max_rows: Option<usize>,
    /// Answers with `xsi:nil` and `uuid=""` where the schema has no room for them, as real servers do.
    pub nils: bool,
    /// Calling search spaces, schedules and route patterns that an administrator deletes just before they are asked for
    /// by their id: a list still named them.
    pub deleted_meanwhile: Vec<String>,
    /// Before each of the next so many lists of route patterns an administrator edits a partition.
    pub edited_meanwhile: u32,
}

/// How a cluster answers SQL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sql {
    #[default]
    Answers,
    /// The account may not ask so.
    Refused,
    /// There is nothing by the names that are asked for.
    Empty,
    /// Something on the way answers with a page of its own.
    Broken,
    /// It is never answered.
    Hangs,
}

/// The joined names of the members of a calling search space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clause {
    /// In the order of the members.
    #[default]
    Ordered,
    /// By the alphabet.
    Sorted,
    Missing,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answer,
    Throttle,
    Memory,
    HalfOpen,
    Html,
}

impl Faults {
    pub(crate) fn fate(&mut self) -> Fate {
        let fates = [
            (&mut self.throttle, Fate::Throttle),
            (&mut self.memory, Fate::Memory),
            (&mut self.half_open, Fate::HalfOpen),
            (&mut self.html, Fate::Html),
        ];
        fates.into_iter().find_map(|(count, fate)| take_one(count).then_some(fate)).unwrap_or(Fate::Answer)
    }

    pub(crate) fn edits(&mut self) -> bool {
        take_one(&mut self.edited_meanwhile)
    }

    pub(crate) fn takes_write(&mut self) -> bool {
        match &mut self.writes_left {
            None => true,
            Some(left) => take_one(left),
        }
    }

    pub(crate) fn cuts(&mut self, writes: bool) -> Cut {
        if writes && take_one(&mut self.lose_answer) {
            Cut::AtOnce
        } else if take_one(&mut self.cut) {
            Cut::HalfWay
        } else {
            Cut::No
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    No,
    HalfWay,
    AtOnce,
}

fn take_one(count: &mut u32) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}
