//! Where the time goes: rooms and columns, for `kakou run --timings`. Nothing is measured unless it is asked for.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::Name;
use crate::lang;
use crate::memory;
use crate::system::processor;

static ASKED: AtomicBool = AtomicBool::new(false);
static SEEN: Mutex<Seen> =
    Mutex::new(Seen { rooms: Vec::new(), open: None, columns: BTreeMap::new() });

struct Seen {
    rooms: Vec<Room>,
    open: Option<(&'static str, Instant, Duration)>,
    columns: BTreeMap<(&'static str, Name, Name), Duration>,
}

/// A room of the run. One that was entered several times stands once.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Its name.
    pub room: &'static str,
    /// Seconds by the clock.
    pub seconds: f64,
    /// Seconds of processor time, of all threads.
    pub processor: f64,
    /// The most memory held in it, in MiB (blocks below 4 KiB are not counted).
    pub peak: u64,
}

/// What was done for a column, and the seconds of one thread.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnTime {
    /// What was done.
    pub doing: &'static str,
    /// The table.
    pub table: Name,
    /// The column.
    pub column: Name,
    /// Seconds.
    pub seconds: f64,
}

/// Where the time went.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Timings {
    /// The rooms in the order in which they were first entered.
    pub rooms: Vec<Room>,
    /// The dearest columns, dearest first.
    pub columns: Vec<ColumnTime>,
}

/// Columns that are told.
const DEAREST: usize = 12;

/// Begins to measure; what was measured of an earlier run of the same process is forgotten.
pub fn ask() {
    if let Ok(mut seen) = SEEN.lock() {
        *seen = Seen { rooms: Vec::new(), open: None, columns: BTreeMap::new() };
    }
    ASKED.store(true, Ordering::Relaxed);
}

/// Whether it is measured.
#[must_use]
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// A room begins, and the one before ends.
pub fn room(name: &'static str) {
    if !asked() {
        return;
    }
    let (now, used, peak) = (Instant::now(), processor(), memory::peak() >> 20);
    let Ok(mut seen) = SEEN.lock() else { return };
    if let Some((room, since, before)) = seen.open.take() {
        let (seconds, processor) = ((now - since).as_secs_f64(), (used - before).as_secs_f64());
        match seen.rooms.iter_mut().find(|r| r.room == room) {
            Some(known) => {
                known.seconds += seconds;
                known.processor += processor;
                known.peak = known.peak.max(peak);
            }
            None => seen.rooms.push(Room { room, seconds, processor, peak }),
        }
    }
    seen.open = Some((name, now, used));
}

/// Does something for a column, and measures it if that is asked for.
pub fn of_column<T>(
    doing: &'static str,
    table: &Name,
    column: &Name,
    work: impl FnOnce() -> T,
) -> T {
    if !asked() {
        return work();
    }
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    if let Ok(mut seen) = SEEN.lock() {
        *seen.columns.entry((doing, table.clone(), column.clone())).or_default() += took;
    }
    done
}

/// What was measured so far; the open room counts until now.
#[must_use]
pub fn told() -> Option<Timings> {
    if !asked() {
        return None;
    }
    let open = SEEN.lock().ok()?.open.map(|(name, ..)| name);
    if let Some(name) = open {
        room(name);
    }
    let seen = SEEN.lock().ok()?;
    let mut columns: Vec<ColumnTime> = seen
        .columns
        .iter()
        .map(|((doing, table, column), took)| ColumnTime {
            doing,
            table: table.clone(),
            column: column.clone(),
            seconds: took.as_secs_f64(),
        })
        .collect();
    columns.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    columns.truncate(DEAREST);
    Some(Timings { rooms: seen.rooms.clone(), columns })
}

impl Timings {
    /// Lines for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let title = "rooms: seconds by the clock, seconds of processor time, most memory in MiB:";
        let mut lines = vec![lang::word(title).to_owned()];
        for Room { room, seconds, processor, peak } in &self.rooms {
            let name = named(room);
            lines.push(format!("{seconds:>10.2} {processor:>10.2} {peak:>8}  {name}"));
        }
        lines.push(lang::word("dearest columns, seconds of one thread:").to_owned());
        for ColumnTime { doing, table, column, seconds } in &self.columns {
            lines.push(format!("{seconds:>10.2}  {}: {table}.{column}", named(doing)));
        }
        lines
    }
}

/// The name of a room in the language that is spoken.
fn named(room: &'static str) -> &'static str {
    match room {
        "check" => lang::word("check"),
        "intake" => lang::word("intake"),
        "resume" => lang::word("resume"),
        "read" => lang::word("read"),
        "declared" => lang::word("declared"),
        "measure" => lang::word("measure"),
        "search" => lang::word("search"),
        "freeze" => lang::word("freeze"),
        "apply" => lang::word("apply"),
        "write" => lang::word("write"),
        "prove" => lang::word("prove"),
        "seal" => lang::word("seal"),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_add_up_and_the_dearest_column_is_first() {
        let (t, a, b) = (Name::fixed("t"), Name::fixed("a"), Name::fixed("b"));
        assert_eq!(of_column("apply", &t, &a, || 1), 1);
        assert_eq!(told(), None, "nobody asked");
        ask();
        let wait = |ms| std::thread::sleep(Duration::from_millis(ms));
        room("one");
        let start = Instant::now();
        of_column("apply", &t, &a, || wait(5));
        let took = start.elapsed();
        room("two");
        // However long the machine let the first one wait, this one takes longer.
        of_column("apply", &t, &b, || {
            let start = Instant::now();
            while start.elapsed() <= took {
                wait(30);
            }
        });
        room("one");
        wait(5);
        let told = told().unwrap();
        assert_eq!(told.rooms.iter().map(|r| r.room).collect::<Vec<_>>(), ["one", "two"]);
        assert!(told.rooms[0].seconds >= 0.01 && told.rooms[1].seconds >= 0.03);
        assert_eq!(told.columns[0].column, b);
        assert_eq!(told.lines().len(), 6);
    }
}
