//! What reads something from outside, as functions of bytes that must end without a panic, whatever the bytes are. `tests/mutants.rs`
//! feeds them changed seeds, `fuzz/` hands them to libFuzzer; the seeds are in `fuzz/seeds/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kakou::engine::eligibility::Eligibility;
use kakou::engine::exclude::Lists;
use kakou::engine::intake;
use kakou::engine::roll::Key;
use kakou::error::Name;
use kakou::formats::any::{self, Hints};
use kakou::plan::Plan;
use kakou::record::{attest, dsse, ledger, note, stamp, verify};
use kakou::schema::Kind;
use kakou::{keys, policy};

/// A target: its name, which is the folder of its seeds, and what it does with bytes.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All of them.
pub(crate) const TARGETS: [Target; 24] = [
    ("csv", |bytes| table(bytes, "t.csv")),
    ("csv_gz", |bytes| table(bytes, "t.csv.gz")),
    ("parquet", |bytes| table(bytes, "t.parquet")),
    ("xlsx", |bytes| table(bytes, "t.xlsx")),
    ("ods", |bytes| table(bytes, "t.ods")),
    ("uke", |bytes| by_policy("receipt", "t.UKE", bytes)),
    ("fhir", |bytes| by_policy("fhir", "Patient.ndjson", bytes)),
    ("fhir_json", |bytes| by_policy("fhir-clins", "t.json", bytes)),
    ("ssmix2", |bytes| {
        let (number, day) = ("2139839073", "20250213");
        let kind = if bytes.windows(7).any(|w| w == b"OUL^R22") { "OML-11" } else { "ADT-00" };
        let place = format!(
            "213/983/{number}/{day}/{kind}/{number}_{day}_{kind}_999999999999999_20250213102434736_01_1"
        );
        by_policy("ssmix2", &place, bytes);
    }),
    ("zip", |bytes| table(bytes, "t.zip")),
    ("policy", |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes)
            && let Ok(loaded) = policy::load_text("p.toml", text)
            && let Ok(ladders) = kakou::plan::ladders(&loaded)
        {
            let _ = Plan::build(&loaded, &ladders);
        }
    }),
    ("pack", |bytes| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let _ = policy::layout::read_pack(name(), text);
    }),
    ("hierarchy", hierarchy),
    ("entries", |bytes| in_ledger("entries.jsonl", bytes)),
    ("checkpoint", |bytes| in_ledger("checkpoint", bytes)),
    ("note", |bytes| {
        if let Ok(note) = note::Note::parse(bytes) {
            let _ = note::Checkpoint::parse(note.text());
        }
        let _ = ledger::Proof::parse(bytes);
    }),
    ("dsse", |bytes| {
        let _ = dsse::Envelope::from_json(bytes);
        for of in [attest::RUN, attest::RELEASE, attest::APPROVAL, attest::SVR] {
            let _ = attest::open(bytes, &name(), of, &[]);
        }
    }),
    ("public_key", |bytes| {
        in_file(bytes, "k.pub", |path| {
            let _ = attest::read_public(&[path]);
        });
    }),
    ("key", |bytes| {
        owned(bytes, |path| {
            let _ = keys::inspect(path);
            let _ = keys::inspect_escrow(path);
            let _ = keys::ProjectKey::open(path, None);
            let _ = keys::SigningKey::open(path, None);
        });
    }),
    ("passphrase", |bytes| {
        owned(bytes, |path| {
            let _ = keys::Passphrase::read(path);
        });
    }),
    ("exclusion", |bytes| {
        in_file(bytes, "list.txt", |path| {
            let key = Key::of(plan());
            let _ = Lists::default().add(path, &name(), &Kind::BOTH, &key);
        });
    }),
    ("eligibility", |bytes| {
        in_file(bytes, "eligible.csv", |path| {
            let _ = Eligibility::new(20_000, 30, 9 * 3600).add(path, &name(), &Key::of(plan()));
        });
    }),
    ("stamp", |bytes| {
        let _ = stamp::look(bytes);
    }),
    ("statement", |bytes| {
        in_folder(|folder| {
            std::fs::create_dir(folder.join("record")).unwrap();
            std::fs::write(folder.join("record/MANIFEST"), bytes).unwrap();
            std::fs::write(folder.join("record/statement.json"), bytes).unwrap();
            let _ = verify::verify(folder, verify::Trust::default());
        });
    }),
];

fn name() -> Name {
    Name::fixed("x")
}

/// The folder of this process for files that readers open by a path.
fn in_folder(run: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path());
}

fn in_file(bytes: &[u8], called: &str, run: impl FnOnce(&Path)) {
    in_folder(|folder| {
        let path = folder.join(called);
        std::fs::write(&path, bytes).unwrap();
        run(&path);
    });
}

/// As [`in_file`], readable by its owner alone: other files are no keys.
fn owned(bytes: &[u8], run: impl FnOnce(&Path)) {
    use std::os::unix::fs::PermissionsExt as _;
    in_file(bytes, "key", |path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        run(path);
    });
}

/// Reads all columns of whatever it is.
fn table(bytes: &[u8], called: &str) {
    in_file(bytes, called, |path| {
        let hints = Hints::default();
        if let Ok(shape) = any::shape(path, &hints) {
            let wanted: Vec<usize> = (0..shape.names.len().min(64)).collect();
            let _ = any::read(path, &name(), &shape, &hints, &wanted);
        }
    });
}

/// Reads a file with every table of a shipped policy.
fn by_policy(shipped: &str, called: &str, bytes: &[u8]) {
    let plan = shipped_plan(shipped);
    in_folder(|folder| {
        let path = folder.join(called);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        for table in &plan.tables {
            let source = if table.source.is_tree() { folder } else { &path };
            let columns = intake::columns_of(table);
            let Ok(spec) = intake::read_spec(table, source, &columns) else { continue };
            let Ok(mut batches) = kakou::formats::open(source, &spec) else { continue };
            while let Ok(Some(_)) = batches.next(1000) {}
        }
    });
}

fn shipped_plan(name: &str) -> &'static Plan {
    static PLANS: OnceLock<BTreeMap<&str, Plan>> = OnceLock::new();
    let plans = PLANS.get_or_init(|| {
        let all = ["receipt", "fhir", "fhir-clins", "ssmix2"];
        let plan = |name: &'static str| {
            let path = root().join("policies").join(name).with_extension("toml");
            let loaded = policy::load(&path).map_err(|f| f.error).unwrap();
            (name, Plan::build(&loaded, &kakou::plan::ladders(&loaded).unwrap()).unwrap())
        };
        all.into_iter().map(plan).collect()
    });
    &plans[name]
}

fn in_ledger(file: &str, bytes: &[u8]) {
    in_folder(|folder| {
        for there in ["open", "torn"] {
            std::fs::create_dir(folder.join(there)).unwrap();
        }
        std::fs::write(folder.join("lock"), "").unwrap();
        let whole = root().join("tests/fixtures/stamps/ledger");
        for other in ["entries.jsonl", "checkpoint"] {
            std::fs::copy(whole.join(other), folder.join(other)).unwrap();
        }
        std::fs::write(folder.join(file), bytes).unwrap();
        let _ = ledger::Ledger::at(folder).read(&[]);
    });
}

const POLICY: &str = include_str!("small.toml");

fn hierarchy(bytes: &[u8]) {
    in_folder(|folder| {
        std::fs::write(folder.join("h.csv"), bytes).unwrap();
        let with = format!("{POLICY}\n[hierarchies.h]\npath = \"h.csv\"\n");
        std::fs::write(folder.join("p.toml"), with).unwrap();
        if let Ok(loaded) = policy::load(&folder.join("p.toml"))
            && let Ok(ladders) = kakou::plan::ladders(&loaded)
        {
            let _ = Plan::build(&loaded, &ladders);
        }
    });
}

/// A plan with a person's key of one part.
fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let loaded = policy::load_text("p.toml", POLICY).unwrap();
        Plan::build(&loaded, &kakou::plan::ladders(&loaded).unwrap()).unwrap()
    })
}

/// The top folder of the sources.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // fuzz/ is a package of its own.
    if here.ends_with("fuzz") { here.join("..") } else { here.to_owned() }
}
