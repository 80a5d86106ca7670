//! A run whose rows are worked elsewhere, with hands in this process: whatever the number of parts, and however often a task is done,
//! the pseudonymized release is that of `kakou run` to the byte, and the anonymized one but for its tokens; nothing that is
//! carried shows a cell.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kakou::engine::apart::Task;
use kakou::error::Result;
use kakou::keys::Giver;
use kakou::progress::Silent;
use kakou::record::verify::{Trust, verify};
use kakou::run::apart::{Asking, Far, Hand, Take, TakePart};
use kakou::run::{Input, Policy, Request, Run};

use crate::common::{files, fixture, kakou, new_key, records, repo, run, text};

/// Two hands that do every other task, each task twice, and another result of the two is taken every time.
struct Here {
    policy: Policy,
    request: Request,
    run: String,
    parts: usize,
    hands: Vec<Hand>,
    blocks: BTreeMap<usize, Vec<Vec<u8>>>,
    released: BTreeMap<usize, Vec<Vec<u8>>>,
    carried: Vec<u8>,
    turn: usize,
    loses: Lost,
}

/// What a careless driver loses, or gives twice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Lost {
    #[default]
    Nothing,
    Block,
    Part,
    Statistics,
    Account,
    AccountTwice,
    Sorted,
    SortedTwice,
}

impl Here {
    fn hand(&mut self) -> (usize, &Hand) {
        self.turn += 1;
        (self.turn, &self.hands[self.turn % 2])
    }
    fn twice<T>(&mut self, work: impl Fn(&Hand) -> Result<T>) -> Result<T> {
        let first = work(self.hand().1)?;
        let (turn, hand) = self.hand();
        let second = work(hand)?;
        Ok(if turn % 4 == 0 { first } else { second })
    }
    fn saw<'a>(&mut self, bytes: impl IntoIterator<Item = &'a Vec<u8>>) {
        bytes.into_iter().for_each(|bytes| self.carried.extend_from_slice(bytes));
    }
}

type Emitted = Vec<(usize, Vec<u8>)>;

impl Far for Here {
    fn read(&mut self, giver: &Arc<Giver>, tasks: &[Task]) -> Result<Vec<Vec<u8>>> {
        for _ in 0..2 {
            let asking = Asking::new(self.policy.clone(), &self.request, &self.run)?;
            let (hello, reply) =
                (asking.hello(), giver.answer(&asking.hello()).unwrap_or_default());
            self.saw([&hello, &reply]);
            // The answer is of one exchange: what was asked for is asked for again.
            assert!(asking.enter(&reply[1..], 0).is_err());
            let asking = Asking::new(self.policy.clone(), &self.request, &self.run)?;
            let reply = giver.answer(&asking.hello())?;
            // One keeps a few parts, the other none.
            let keep = if self.hands.is_empty() { 1 << 20 } else { 0 };
            self.hands.push(asking.enter(&reply, keep)?);
        }
        let mut told = Vec::new();
        // Some files are read one by one, some together.
        let runs = tasks.chunk_by(|a, b| a.table == b.table && b.file % 3 != 0);
        for tasks in runs.collect::<Vec<_>>().into_iter().rev() {
            let parts = self.parts;
            let (all, here) = self.twice(|hand| {
                let mut all: Emitted = Vec::new();
                let mut take = |part, bytes| {
                    all.push((part, bytes));
                    Ok(())
                };
                let told = hand.read(tasks, parts, &mut take)?;
                Ok((all, told))
            })?;
            self.saw(all.iter().map(|(_, bytes)| bytes).chain([&here]));
            // Blocks come in any order.
            all.into_iter().rev().for_each(|(p, b)| self.blocks.entry(p).or_default().push(b));
            told.push(here);
        }
        Ok(told)
    }
    fn parts(&self) -> usize {
        self.parts
    }
    fn each(&mut self, take: TakePart<'_>) -> Result<()> {
        let gone = usize::from(self.loses == Lost::Part);
        self.blocks.iter().skip(gone).try_for_each(|(&part, blocks)| {
            let mut blocks = blocks.clone();
            if self.loses == Lost::Block {
                blocks.pop();
            }
            take(part, blocks)
        })
    }
    fn measure(&mut self, draft: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        for (part, blocks) in self.blocks.clone().into_iter().rev() {
            all.extend(self.twice(|hand| hand.measure(draft, part, &blocks))?);
        }
        self.saw(&all);
        self.saw([&draft.to_vec()]);
        if self.loses == Lost::Statistics {
            all.truncate(all.len() / 2);
        }
        // A tree: some are merged by a hand, some by the run.
        let (some, rest) = all.split_at(all.len() / 2);
        let merged = self.twice(|hand| hand.merge(draft, some))?;
        Ok(merged.into_iter().chain(rest.iter().cloned()).collect())
    }
    fn apply(&mut self, frozen: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut told = Vec::new();
        for (part, blocks) in self.blocks.clone() {
            let (all, here) = self.twice(|hand| {
                let mut all: Emitted = Vec::new();
                let mut take = |range, bytes| {
                    all.push((range, bytes));
                    Ok(())
                };
                let told = hand.apply(frozen, part, &blocks, 3, &mut take)?;
                Ok((all, told))
            })?;
            self.saw(all.iter().map(|(_, bytes)| bytes).chain(&here));
            all.into_iter().for_each(|(r, b)| self.released.entry(r).or_default().push(b));
            told.extend(here);
        }
        match self.loses {
            Lost::Account => drop(told.pop()),
            Lost::AccountTwice => told.extend(told.first().cloned()),
            _ => {}
        }
        Ok(told)
    }
    fn sorted(&mut self, take: Take<'_>) -> Result<()> {
        for blocks in self.released.clone().into_values().rev() {
            let sorted = self.twice(|hand| hand.sort(&blocks))?;
            self.saw(&sorted);
            let (gone, times) = match self.loses {
                Lost::Sorted => (1, 1),
                Lost::SortedTwice => (0, 2),
                _ => (0, 1),
            };
            for sorted in sorted.into_iter().skip(gone) {
                (0..times).try_for_each(|_| take(sorted.clone()))?;
            }
        }
        Ok(())
    }
    fn forget(&mut self) -> Result<bool> {
        let locked = self.hands.iter().all(Hand::in_locked_memory);
        self.hands.clear();
        Ok(locked)
    }
}

fn request(input: &Path, key: &Path, out: &Path) -> Request {
    let key = Some(key.to_owned());
    Request { key, ..Request::new(Input::Folder(input.to_owned()), out) }
}

/// A run elsewhere, verified; gives the release folder and all that was carried.
fn apart(policy: &Path, input: &Path, key: &Path, out: &Path, parts: usize) -> (PathBuf, Vec<u8>) {
    let (folder, carried) = losing(policy, input, key, out, parts, Lost::Nothing);
    (folder.unwrap(), carried)
}

/// As [`apart`], with a driver that loses something: the release folder, or the codes of what is said.
fn losing(
    policy: &Path,
    input: &Path,
    key: &Path,
    out: &Path,
    parts: usize,
    loses: Lost,
) -> (std::result::Result<PathBuf, Vec<&'static str>>, Vec<u8>) {
    let load = || Policy::load(policy).map_err(|failed| failed.error.to_string()).unwrap();
    let checked = Run::check(load(), request(input, key, out), &Silent).unwrap();
    let mut far = Here {
        loses,
        policy: load(),
        request: request(input, key, out),
        run: checked.id().to_owned(),
        parts,
        hands: Vec::new(),
        blocks: BTreeMap::new(),
        released: BTreeMap::new(),
        carried: Vec::new(),
        turn: parts,
    };
    let released = checked
        .apart(&mut far)
        .and_then(Run::prove)
        .and_then(Run::seal)
        .and_then(Run::publish)
        .map_err(|error| error.each().map(|e| e.code).collect());
    let folder = released.map(|released| released.folder.unwrap());
    if let Ok(folder) = &folder {
        verify(folder, Trust::default()).unwrap();
    }
    (folder, far.carried)
}

fn is_token(cell: &str) -> bool {
    cell.len() == 26 && cell.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

fn rows_without_tokens(path: &Path) -> Vec<Vec<String>> {
    let (_, rows) = records(path);
    let mut rows: Vec<Vec<String>> =
        rows.into_iter().map(|r| r.into_iter().filter(|c| !is_token(c)).collect()).collect();
    rows.sort();
    rows
}

/// The tables of a release, by their names.
fn tables(folder: &Path) -> BTreeMap<String, PathBuf> {
    let all = files(folder).into_iter().filter(|p| p.extension().is_some_and(|e| e == "csv"));
    all.map(|p| (p.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), p)).collect()
}

/// What of a statement does not depend on chance, time or the number of parts.
fn told(folder: &Path) -> serde_json::Value {
    let text = std::fs::read(folder.join("record/statement.json")).unwrap();
    let all: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let of = |name: &str| all.get(name).cloned().unwrap_or_default();
    let names = ["tables", "persons", "views", "sets", "floors", "steady", "unique", "warnings"];
    names.iter().map(|name| ((*name).to_owned(), of(name))).collect()
}

fn equal(one: &Path, other: &Path) {
    let (a, b) = (tables(&one.join("pseudonymized")), tables(&other.join("pseudonymized")));
    assert!(a.keys().eq(b.keys()) && !a.is_empty());
    for (name, path) in &a {
        assert!(std::fs::read(path).unwrap() == std::fs::read(&b[name]).unwrap(), "{name}");
    }
    let (a, b) = (tables(&one.join("anonymized")), tables(&other.join("anonymized")));
    assert!(a.keys().eq(b.keys()) && !a.is_empty());
    for (name, path) in &a {
        assert!(rows_without_tokens(path) == rows_without_tokens(&b[name]), "{name}");
    }
    let (a, b) = (told(one), told(other));
    for (name, here) in a.as_object().unwrap() {
        assert!(*here == b[name], "{name} of the statement:\n{here}\n{}", b[name]);
    }
}

fn any_number_of_parts(policy: &Path, input: &Path, numbers: &[usize], canaries: &[&str]) {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let single = run(policy, input, &key, &work.path().join("one"), &[]);
    for &parts in numbers {
        let out = work.path().join(format!("apart-{parts}"));
        let (folder, carried) = apart(policy, input, &key, &out, parts);
        equal(&single, &folder);
        for canary in canaries {
            // A shorter one stands by chance in megabytes of encrypted bytes.
            assert!(canary.len() > 6);
            let found = memchr::memmem::find(&carried, canary.as_bytes());
            assert!(found.is_none(), "{canary} is carried in the clear");
        }
        // Nor does a key: of the file, the name of the project; nothing of it can be recognized.
        assert!(carried.len() > 10_000);
    }
}

#[test]
fn clinosim_is_the_same_for_any_number_of_parts() {
    let input = fixture("clinosim-csv");
    let canaries = ["POP-000", "patient_id", "truncate_date", "pseudonym"];
    any_number_of_parts(&repo("policies/clinosim.toml"), &input, &[1, 64], &canaries);
}

#[test]
#[ignore = "takes long: more numbers of parts"]
fn clinosim_is_the_same_for_other_numbers_of_parts() {
    any_number_of_parts(&repo("policies/clinosim.toml"), &fixture("clinosim-csv"), &[2, 7], &[]);
}

#[test]
fn dpc_is_the_same_for_any_number_of_parts() {
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("synth");
    let synth = ["synth", "--quiet", "--patients", "500", "--seed", "5", "--layouts", "dpc"];
    let made = kakou(&[&synth[..], &["--out", text(&out)]].concat());
    assert!(made.status.success(), "{}", crate::common::error_of(&made));
    // Without the line that links the numbers of several hospitals, which is refused here (below).
    let shipped = std::fs::read_to_string(repo("policies/dpc-hub.toml")).unwrap();
    // Few persons, so more of them than shipped may be suppressed.
    let few = "at_most = 0.05 }";
    assert!(shipped.contains(few));
    let shipped = shipped.replace(few, "at_most = 0.5 }");
    let left = shipped.lines().filter(|line| !line.starts_with("same = "));
    let policy = work.path().join("dpc.toml");
    std::fs::write(&policy, left.collect::<Vec<_>>().join("\n")).unwrap();
    any_number_of_parts(&policy, &out.join("dpc"), &[7], &["A000010"]);
}

/// Whoever carries the pieces is not believed: what is lost or comes twice ends the run, and nothing is published.
#[test]
fn a_careless_driver_publishes_nothing() {
    let input = fixture("clinosim-csv");
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let policy = repo("policies/clinosim.toml");
    for loses in [
        Lost::Block,
        Lost::Part,
        Lost::Statistics,
        Lost::Account,
        Lost::AccountTwice,
        Lost::Sorted,
        Lost::SortedTwice,
    ] {
        let out = work.path().join(format!("{loses:?}"));
        let (folder, _) = losing(&policy, &input, &key, &out, 4, loses);
        let codes = folder.expect_err("it was published");
        let counted = codes.contains(&"X0635") || codes.contains(&"D0451");
        // Of lost statistics the proof tells: the views are others than was claimed.
        assert!(counted || loses == Lost::Statistics, "{loses:?}: {codes:?}");
        let left = std::fs::read_dir(&out).map_or(0, |all| {
            all.filter(|e| !e.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'))
                .count()
        });
        assert_eq!(left, 0, "{loses:?}");
    }
}

#[test]
fn what_only_one_machine_can_do_is_refused_with_the_reason() {
    let input = fixture("clinosim-csv");
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let load = || Policy::load(&repo("policies/clinosim.toml")).map_err(|f| f.error).unwrap();
    let mut asked = request(&input, &key, &work.path().join("out"));
    asked.resume = Some(work.path().join("kept"));
    let checked = Run::check(load(), asked.clone(), &Silent).unwrap();
    let mut far = Here {
        loses: Lost::Nothing,
        policy: load(),
        request: asked,
        run: checked.id().to_owned(),
        parts: 1,
        hands: Vec::new(),
        blocks: BTreeMap::new(),
        released: BTreeMap::new(),
        carried: Vec::new(),
        turn: 0,
    };
    assert_eq!(checked.apart(&mut far).err().map(|e| e.code), Some("C0418"));
    assert!(far.hands.is_empty());
}
