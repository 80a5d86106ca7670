//! The walk-through of docs/systems.md: six hospitals process their DPC files each by itself, a hub merges what they send, tells who is one
//! person, and makes both releases of all of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::common::{self, error_of, files, kakou, records, repo, run, text};

fn ok(arguments: &[&str]) -> String {
    let output = kakou(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", error_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn statement(release: &Path) -> serde_json::Value {
    let bytes = std::fs::read(release.join("record/statement.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The policies of the page, as a reader copies them.
fn of_page(nth: usize) -> String {
    let page = std::fs::read_to_string(repo("docs/systems.md")).unwrap();
    let japanese = std::fs::read_to_string(repo("docs/systems.ja.md")).unwrap();
    let block = page.split("```toml\n").nth(nth + 1).unwrap().split("```").next().unwrap();
    assert!(japanese.contains(block), "the pages differ in {block}");
    block.to_owned()
}

struct Hub {
    work: tempfile::TempDir,
    data: PathBuf,
    hospitals: Vec<String>,
}

impl Hub {
    /// A folder a hospital, with its files alone.
    fn new() -> Hub {
        let work = tempfile::tempdir().unwrap();
        let data = work.path().join("data");
        let made = ["--patients", "300", "--hospitals", "6", "--layouts", "dpc", "--out"];
        ok(&[&["synth", "--quiet"], &made[..], &[text(&data)]].concat());
        let mut hospitals = BTreeSet::new();
        for path in files(&data.join("dpc")) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let code = name.split('_').nth(1).unwrap().to_owned();
            let folder = work.path().join("hospitals").join(&code);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::copy(&path, folder.join(&name)).unwrap();
            hospitals.insert(code);
        }
        let hospitals: Vec<String> = hospitals.into_iter().collect();
        assert_eq!(hospitals.len(), 6);
        Hub { work, data, hospitals }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    fn key(&self, name: &str) -> PathBuf {
        let key = self.path(name);
        if !key.exists() {
            ok(&["key", "new", "--quiet", text(&key)]);
        }
        key
    }

    fn policy(&self, name: &str, says: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, says).unwrap();
        path
    }

    /// What each hospital sends: private ones under the one profile, public ones under the other. Gives the folder of the hub and the
    /// persons of all hospitals.
    fn processed(&self, name: &str, key: impl Fn(usize) -> PathBuf) -> (PathBuf, u64) {
        let sent = self.path(name);
        let mut persons = 0;
        for (at, hospital) in self.hospitals.iter().enumerate() {
            let profile = if at % 2 == 0 { "appi" } else { "appi-public" };
            let says =
                of_page(0).replace("profile = \"appi\"", &format!("profile = \"{profile}\""));
            assert!(says.contains(profile));
            let policy = self.policy(&format!("{profile}.toml"), &says);
            let input = self.path("hospitals").join(hospital);
            let out = self.path(&format!("{name}-{hospital}"));
            let release = run(&policy, &input, &key(at), &out, &[]);
            ok(&["verify", "--quiet", text(&release)]);
            assert!(!release.join("anonymized").join("FF1.txt").exists());
            let told = statement(&release);
            assert_eq!(told["profile"], profile);
            persons += told["persons"]["released"]["pseudonymized"].as_u64().unwrap();
            let there = sent.join(format!("hospital-{}", at + 1));
            std::fs::create_dir_all(&there).unwrap();
            for path in files(&release.join("pseudonymized")) {
                if path.extension().is_some_and(|e| e == "txt") {
                    std::fs::copy(&path, there.join(path.file_name().unwrap())).unwrap();
                }
            }
        }
        (sent, persons)
    }
}

/// The identifiers that were planted in the made-up hospitals, and the hospitals' codes, stand in no byte and no path.
fn names_nobody(hub: &Hub, folder: &Path) {
    let (header, rows) = records(&hub.data.join("truth/planted.csv"));
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let (kind, value) = (at("kind"), at("value"));
    let long = |v: &str| if v.is_ascii() { v.len() >= 8 } else { v.chars().count() >= 2 };
    let planted = rows.iter().filter(|row| row[kind] != "decoy" && long(&row[value]));
    let mut wanted: BTreeSet<String> = planted.map(|row| row[value].clone()).collect();
    // The numbers of patients and the common IDs of the files themselves.
    for path in files(&hub.data.join("dpc")) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("Kn_") {
            let bytes = std::fs::read(&path).unwrap();
            let (text, _, _) = encoding_rs::SHIFT_JIS.decode(&bytes);
            for cells in text.lines().map(|l| l.split('\t').map(str::trim).collect::<Vec<_>>()) {
                wanted.extend(
                    [1, 4].map(|c| cells[c].to_owned()).into_iter().filter(|v| v.len() > 7),
                );
            }
        }
    }
    assert!(wanted.len() > 300, "{}", wanted.len());
    wanted.retain(|v| !v.bytes().all(|b| b == b'9' || b == b'0'));
    wanted.extend(hub.hospitals.iter().cloned());
    let search = aho_corasick::AhoCorasick::new(&wanted).unwrap();
    for (path, says) in common::shown(folder) {
        assert!(!search.is_match(&path) && !search.is_match(&says), "{path}");
    }
}

#[test]
fn six_hospitals_send_to_a_hub_that_knows_who_is_one_person() {
    let hub = Hub::new();
    // With the hub's key at every hospital the common ID of the K file is the same code everywhere.
    let (sent, of_hospitals) = hub.processed("sent", |_| hub.key("hub.key"));
    names_nobody(&hub, &sent);
    let few = "\n[anonymized]\nsuppress = { unit = \"row\", at_most = 1.0 }\nbecause = \"few made-up persons\"\n";
    let merged = hub.policy("merged.toml", &(of_page(1) + few));
    let own = hub.key("own.key");
    let release = run(&merged, &sent, &own, &hub.path("out"), &[]);
    ok(&["verify", "--quiet", text(&release)]);
    for folder in ["pseudonymized", "anonymized"] {
        names_nobody(&hub, &release.join(folder));
    }
    let told = statement(&release);
    let read = told["persons"]["read"].as_u64().unwrap();

    // As many persons as if all files had lain on one machine, and fewer than the hospitals have together.
    let plain = hub.policy("plain.toml", &format!("extends = \"kakou:dpc-hub\"{few}"));
    let whole = run(&plain, &hub.data.join("dpc"), &own, &hub.path("whole"), &[]);
    assert_eq!(read, statement(&whole)["persons"]["read"].as_u64().unwrap());
    assert!(read < of_hospitals, "{read} of {of_hospitals}");

    // A person seen twice has one code in both releases: rows of several hospitals under one token.
    let rows = |path: PathBuf| -> Vec<Vec<String>> {
        let bytes = std::fs::read(path).unwrap();
        let text = encoding_rs::SHIFT_JIS.decode(&bytes).0.into_owned();
        text.lines().map(|l| l.split('\t').map(str::to_owned).collect()).collect()
    };
    let mut hospitals_of: std::collections::BTreeMap<String, BTreeSet<String>> = Default::default();
    for path in files(&release.join("pseudonymized")) {
        if path.file_name().unwrap().to_str().unwrap().starts_with("FF1_") {
            for row in rows(path) {
                hospitals_of.entry(row[1].clone()).or_default().insert(row[0].clone());
            }
        }
    }
    assert!(hospitals_of.values().filter(|h| h.len() > 1).count() > 3);
    let facilities: BTreeSet<&String> = hospitals_of.values().flatten().collect();
    assert_eq!(facilities.len(), 6);
    let anonymized = rows(release.join("anonymized/FF1.txt"));
    assert!(anonymized.len() > 100);
    // The hospitals send months of birth: they are enough for ages.
    let band = |cell: &String| {
        let (low, high) = cell.split_once('-').unwrap_or_default();
        low.parse::<u8>().is_ok() && high.parse::<u8>().is_ok() || cell.ends_with('+')
    };
    let births: Vec<_> =
        anonymized.iter().filter(|row| row.iter().any(|cell| cell == "A000010")).collect();
    let with_age = births.iter().filter(|row| row.iter().any(band)).count();
    assert!(with_age > 100 && with_age * 10 > births.len() * 9, "{with_age} of {}", births.len());
    assert!(told["views"].as_array().unwrap().iter().all(|v| v["recounted"]["holds"] == true));

    // With a key of its own at each hospital nobody can be found again at another (two numbers of one hospital are).
    let (apart, _) = hub.processed("apart", |at| hub.key(&format!("hospital-{at}.key")));
    let release = run(&merged, &apart, &own, &hub.path("apart-out"), &[]);
    let alone = statement(&release)["persons"]["read"].as_u64().unwrap();
    assert!(read < alone && alone <= of_hospitals, "{read} {alone} {of_hospitals}");
}
