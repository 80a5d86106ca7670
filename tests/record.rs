//! The record as its users meet it: signed, entered, verified, approved, sealed; and every change of it found.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common;
use crate::common::house::POLICY;
use crate::common::{error_of, files, kakou, records, releases, text};
use serde_json::Value;

/// A house with data, policy, keys of a runner, a board and a third person, a ledger and an approval.
struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let house = House { folder };
        std::fs::create_dir(house.path("data")).unwrap();
        let mut data = String::from("患者ID,氏名,保険者番号,性別,総点数\n");
        for n in 0..60 {
            let sex = if n == 59 { 9 } else { 1 + n % 2 };
            writeln!(
                data,
                "P{n:05},患者{n:03}番さん,{:08},{sex},{}",
                31_000_000 + n * 7,
                1000 + n * 10
            )
            .unwrap();
        }
        std::fs::write(house.path("data/stays.csv"), data).unwrap();
        std::fs::write(house.path("policy.toml"), POLICY).unwrap();
        house.ok(&["key", "new", "{project.key}"]);
        for who in ["runner", "board", "third"] {
            house.ok(&["key", "new", "--signing", &format!("{{{who}.key}}")]);
            let public = house.ok(&["key", "public", &format!("{{{who}.key}}")]);
            std::fs::write(house.path(&format!("{who}.pub")), public).unwrap();
        }
        house.ok(&[
            "ledger",
            "init",
            "{ledger}",
            "--name",
            "test.example/kakou",
            "--sign",
            "{runner.key}",
        ]);
        house.ok(&[
            "ledger",
            "trust",
            "{ledger}",
            "--public-key",
            "{board.pub}",
            "--sign",
            "{runner.key}",
        ]);
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program; `{name}` is a path in the house.
    fn run(&self, arguments: &[&str]) -> Output {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|a| match a.strip_prefix('{').and_then(|a| a.strip_suffix('}')) {
                Some(name) => text(&self.path(name)).to_owned(),
                None => (*a).to_owned(),
            })
            .collect();
        kakou(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", error_of(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", error_of(&output));
        error_of(&output)
    }

    fn arguments<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        let mut all = vec![
            "run",
            "--quiet",
            "--policy",
            "{policy.toml}",
            "--input",
            "{data}",
            "--key",
            "{project.key}",
            "--out",
            "{out}",
        ];
        all.extend(more);
        all
    }

    fn release(&self, id: &str, more: &[&str]) -> String {
        let mut all =
            self.arguments(&["--release-id", id, "--sign", "{runner.key}", "--ledger", "{ledger}"]);
        all.extend(more);
        self.ok(&all);
        format!("{{out/{id}}}")
    }

    fn approve_policy(&self) {
        self.ok(&[
            "policy",
            "approve",
            "{policy.toml}",
            "--approved",
            "{approved}",
            "--sign",
            "{board.key}",
            "--by",
            "審査会",
            "--reference",
            "2026-11 第3号",
        ]);
    }

    fn entries(&self) -> Vec<Value> {
        let listed = self.ok(&["ledger", "list", "{ledger}", "--json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        listed["entries"].as_array().unwrap().clone()
    }
}

fn kinds(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|e| e["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_release_from_the_run_to_the_seal() {
    let house = House::new();
    house.approve_policy();
    let release = house.release("r1", &["--approved", "{approved}", "--operator", "加工 太郎"]);
    let keys = ["--public-key", "{runner.pub}", "--public-key", "{board.pub}"];
    let verify = |more: &[&str]| {
        let mut all = vec!["verify", release.as_str()];
        all.extend(keys);
        all.extend(more);
        house.ok(&all)
    };
    let said = verify(&["--ledger", "{ledger}"]);
    assert!(said.contains("signed by the given key") && said.contains("state: staged"), "{said}");
    // The steps do not go out of their order, nor by the one who made the release.
    let approve = |key: &str, code: i32| {
        let all = ["approve", &release, "--by", "次長", "--ledger", "{ledger}", "--sign", key];
        if code == 0 { house.ok(&all) } else { house.fails(&all, code) }
    };
    assert!(approve("{board.key}", 1).contains("staged, not verified"));
    let own = house.fails(&["verify", &release, "--attest", "--sign", "{runner.key}"], 1);
    assert!(own.contains("cannot attest"), "{own}");
    verify(&["--attest", "--sign", "{board.key}"]);
    assert!(verify(&[]).contains("state: verified"));
    assert!(approve("{runner.key}", 1).contains("cannot approve"));
    // Another key in the same hand is not another person, however the name is written.
    for by in ["加工 太郎", "加工　太郎", "加工太郎"] {
        let by_operator =
            ["approve", &release, "--by", by, "--ledger", "{ledger}", "--sign", "{board.key}"];
        assert!(house.fails(&by_operator, 1).contains("cannot approve"));
    }
    assert!(
        house
            .fails(&["seal", &release, "--ledger", "{ledger}", "--sign", "{runner.key}"], 1)
            .contains("verified, not approved")
    );
    approve("{board.key}", 0);
    assert!(approve("{board.key}", 1).contains("approved already"));
    house.ok(&["seal", &release, "--ledger", "{ledger}", "--sign", "{runner.key}"]);
    assert!(verify(&["--ledger", "{ledger}"]).contains("state: sealed"));
    let entries = house.entries();
    assert_eq!(kinds(&entries), ["init", "key", "run", "approval", "destruction", "seal"]);
    assert_eq!(entries[2]["body"]["operator"], "加工 太郎");
    assert_eq!(entries[2]["body"]["policy"]["approval"]["by"], "審査会");
    assert_eq!(entries[2]["body"]["releases"]["anonymized"]["items"]["stays"][1], "性別");
    let record: Value =
        serde_json::from_slice(&std::fs::read(house.path("out/r1/record/statement.json")).unwrap())
            .unwrap();
    assert_eq!(entries[4]["body"]["keyId"], record["keys"]["anonymized"]["keyId"]);
    assert_eq!(entries[4]["body"]["final"], true);
    // An id is never used twice, a run without the ledger's key never begins.
    house.fails(&house.arguments(&["--release-id", "r1"]), 1);
    let stranger =
        house.fails(&house.arguments(&["--sign", "{third.key}", "--ledger", "{ledger}"]), 1);
    assert!(stranger.contains("may not write in the ledger"), "{stranger}");
    assert_eq!(house.entries().len(), 6);
}

/// Every file, several bytes each, two bits: found, and the file is named.
#[test]
fn any_flipped_byte_of_any_file_is_found_and_named() {
    let house = House::new();
    house.approve_policy();
    let release = house.release("r1", &["--approved", "{approved}"]);
    house.ok(&["verify", &release, "--attest", "--sign", "{board.key}"]);
    house.ok(&[
        "approve",
        &release,
        "--by",
        "次長",
        "--ledger",
        "{ledger}",
        "--sign",
        "{board.key}",
    ]);
    house.ok(&["seal", &release, "--ledger", "{ledger}", "--sign", "{runner.key}"]);
    let folder = house.path("out/r1");
    let keys = kakou::record::attest::plain(
        &kakou::record::attest::read_public(&[house.path("runner.pub"), house.path("board.pub")])
            .unwrap(),
    );
    let ledger = house.path("ledger");
    let trusts = [
        kakou::record::verify::Trust { keys: &keys, ledger: Some(&ledger) },
        kakou::record::verify::Trust::default(),
    ];
    for trust in trusts {
        kakou::record::verify::verify(&folder, trust).unwrap();
    }
    let all = files(&folder);
    assert!(all.len() >= 14, "{all:?}");
    for path in &all {
        let relative = path.strip_prefix(&folder).unwrap().to_str().unwrap();
        let whole = std::fs::read(path).unwrap();
        let mut places: Vec<usize> = (0..whole.len()).step_by((whole.len() / 12).max(1)).collect();
        places.extend([whole.len() - 1, whole.len() / 2]);
        for at in places {
            for bit in [1, 32] {
                let mut changed = whole.clone();
                changed[at] ^= bit;
                std::fs::write(path, &changed).unwrap();
                for trust in trusts {
                    let error = kakou::record::verify::verify(&folder, trust)
                        .expect_err(&format!("{relative}, byte {at}"));
                    let said = error.to_string();
                    let named = said.contains(relative)
                        || (relative.contains("ledger-entry") && said.contains("ledger"))
                        || (relative.contains("tlog-proof") && said.contains("ledger"));
                    assert!(named, "{relative}, byte {at}: {said}");
                }
            }
        }
        // Gone, and cut short.
        std::fs::write(path, &whole[..whole.len() / 2]).unwrap();
        assert!(kakou::record::verify::verify(&folder, trusts[0]).is_err(), "{relative} cut");
        std::fs::remove_file(path).unwrap();
        let gone = kakou::record::verify::verify(&folder, trusts[0]);
        match gone {
            // The last state can be taken back by whoever can write here; the ledger has its entry.
            Ok(found) => {
                assert!(relative.ends_with("seal.dsse.json") && found.state.word() == "approved")
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        std::fs::write(path, &whole).unwrap();
    }
    std::fs::write(folder.join("anonymized/more.csv"), "x").unwrap();
    let error = kakou::record::verify::verify(&folder, trusts[0]).unwrap_err();
    assert!(error.to_string().contains("anonymized/more.csv is not part of the release"));
}

#[test]
fn another_key_another_ledger_and_an_older_ledger_are_named() {
    let house = House::new();
    let release = house.release("r1", &[]);
    let other = house.fails(&["verify", &release, "--public-key", "{third.pub}"], 1);
    assert!(other.contains("signed by another key than those that were given"), "{other}");
    // Before the second run: an old copy of the ledger.
    let copy = |to: &str| {
        std::fs::create_dir_all(house.path(to).join("open")).unwrap();
        for name in ["entries.jsonl", "checkpoint", "lock"] {
            std::fs::copy(house.path("ledger").join(name), house.path(to).join(name)).unwrap();
        }
    };
    copy("old");
    let second = house.release("r2", &[]);
    house.ok(&["verify", &release, "--ledger", "{ledger}"]);
    house.ok(&["verify", &release, "--ledger", "{old}"]);
    let cut = house.fails(&["verify", &second, "--ledger", "{old}"], 1);
    assert!(cut.contains("the ledger was cut"), "{cut}");
    let ahead =
        house.fails(&["ledger", "verify", "{old}", "--checkpoint", "{ledger/checkpoint}"], 1);
    assert!(ahead.contains("the ledger was cut"), "{ahead}");
    house.ok(&[
        "ledger",
        "verify",
        "{ledger}",
        "--checkpoint",
        "{old/checkpoint}",
        "--public-key",
        "{runner.pub}",
    ]);
    let foreign = house.fails(&["ledger", "verify", "{ledger}", "--public-key", "{third.pub}"], 1);
    assert!(foreign.contains("does not begin with one of the given keys"), "{foreign}");
    // A line removed, two swapped, one repeated.
    let path = house.path("ledger/entries.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let put = |order: &[usize]| {
        let text: String = order.iter().map(|&i| format!("{}\n", lines[i])).collect();
        std::fs::write(&path, text).unwrap();
        house.fails(&["ledger", "verify", "{ledger}"], 1)
    };
    assert!(put(&[0, 2, 3]).contains("line 2 of the ledger says that it is entry 2"));
    assert!(put(&[0, 2, 1, 3]).contains("line 2 of the ledger says that it is entry 2"));
    assert!(put(&[0, 1, 2, 2]).contains("line 4 of the ledger says that it is entry 2"));
    assert!(put(&[0, 1, 2]).contains("the ledger was cut"));
    assert!(put(&[0, 1, 2, 3, 3]).contains("did not finish"));
    std::fs::write(&path, &whole).unwrap();
    // Someone without a key makes the whole record again: it is not signed by the given key.
    let forged = house.path("out/r1/record");
    for name in ["run.dsse.json", "run.tlog-proof", "run.ledger-entry.json"] {
        std::fs::remove_file(forged.join(name)).unwrap();
    }
    let unsigned = house.fails(&["verify", &release, "--public-key", "{runner.pub}"], 1);
    assert!(unsigned.contains("nobody has signed this"), "{unsigned}");
    let unsigned = house.fails(&["verify", &release], 1);
    assert!(unsigned.contains("the record says that it is signed"), "{unsigned}");
}

#[test]
fn refused_and_killed_runs_are_entries() {
    let house = House::new();
    let run = |id: &str, more: &[&str]| {
        let mut all = house.arguments(&[
            "--release-id",
            id,
            "--sign",
            "{runner.key}",
            "--ledger",
            "{ledger}",
        ]);
        all.extend(more);
        house.run(&all)
    };
    let data = std::fs::read_to_string(house.path("data/stays.csv")).unwrap();
    std::fs::write(house.path("data/stays.csv"), data.replace(",1010\n", ",not a number\n"))
        .unwrap();
    assert_eq!(run("bad", &[]).status.code(), Some(3));
    std::fs::write(house.path("data/stays.csv"), &data).unwrap();
    assert!(run("dry", &["--dry-run"]).status.success());
    assert_eq!(run("unapproved", &["--approved", "{approved}"]).status.code(), Some(1));
    // Killed while it works on more data.
    let file = house.path("data/stays.csv");
    let mut more = data.clone();
    for n in 0..300_000 {
        writeln!(more, "Q{n:07},患者{n:07}番さん,{:08},{},{}", 40_000_000 + n, 1 + n % 2, 1000 + n)
            .unwrap();
    }
    std::fs::write(&file, more).unwrap();
    let all = house.arguments(&[
        "--release-id",
        "killed",
        "--sign",
        "{runner.key}",
        "--ledger",
        "{ledger}",
    ]);
    let all: Vec<String> = all
        .iter()
        .map(|a| match a.strip_prefix('{').and_then(|a| a.strip_suffix('}')) {
            Some(name) => text(&house.path(name)).to_owned(),
            None => (*a).to_owned(),
        })
        .collect();
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_kakou")).env("LC_ALL", "C").args(&all).spawn().unwrap();
    let open = house.path("ledger/open");
    for _ in 0..6000 {
        if files(&open).iter().any(|f| f.extension().is_some_and(|e| e == "json")) {
            break;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::write(&file, &data).unwrap();
    assert!(house.ok(&["ledger", "verify", "{ledger}"]).contains("1 runs have begun"));
    house.release("next", &[]);
    let entries = house.entries();
    assert_eq!(kinds(&entries)[2..], ["refused", "aborted", "refused", "aborted", "run"]);
    let told: Vec<&str> =
        entries[2..].iter().map(|e| e["body"]["release"].as_str().unwrap()).collect();
    assert_eq!(told, ["bad", "dry", "unapproved", "killed", "next"]);
    assert_eq!(entries[2]["body"]["errors"][0]["code"].as_str().unwrap().chars().next(), Some('D'));
    let whole = std::fs::read_to_string(house.path("ledger/entries.jsonl")).unwrap();
    assert!(!whole.contains("not a number"));
}

#[test]
fn only_an_approved_policy_runs_and_the_other_is_stamped() {
    let house = House::new();
    house.approve_policy();
    house.release("approved", &["--approved", "{approved}"]);
    assert!(!house.path("out/approved/anonymized/NOT-FOR-RELEASE.txt").exists());
    // A comment changes nothing, a threshold does.
    std::fs::write(house.path("policy.toml"), format!("# a word\n{POLICY}")).unwrap();
    house.release("comment", &["--approved", "{approved}"]);
    std::fs::write(house.path("before.toml"), POLICY).unwrap();
    std::fs::write(house.path("policy.toml"), POLICY.replace("tails = 5", "tails = 6")).unwrap();
    let signed = house.arguments(&[
        "--sign",
        "{runner.key}",
        "--ledger",
        "{ledger}",
        "--approved",
        "{approved}",
    ]);
    let refused = house.fails(&signed, 1);
    assert!(refused.contains("not approved") && refused.contains("kakou policy diff"), "{refused}");
    let said = house.ok(&["policy", "diff", "{before.toml}", "{policy.toml}"]);
    assert_eq!(
        said.trim(),
        "table `stays`, column `総点数`, anonymized release, round, tails: 5 → 6"
    );
    let said = house.ok(&["policy", "diff", "--lang", "ja", "{before.toml}", "{policy.toml}"]);
    assert_eq!(said.trim(), "表「stays」、列「総点数」、匿名加工、round、tails: 5 → 6");
    let release = house.release("stamped", &["--approved", "{approved}", "--unapproved"]);
    assert!(house.ok(&["verify", &release]).contains("NOT FOR RELEASE"));
    for kind in ["pseudonymized", "anonymized"] {
        let folder = house.path("out/stamped").join(kind);
        assert!(folder.join("NOT-FOR-RELEASE.txt").exists());
        let dictionary: Value =
            serde_json::from_slice(&std::fs::read(folder.join("dictionary.json")).unwrap())
                .unwrap();
        assert_eq!(dictionary["notForRelease"], true);
    }
    house.ok(&["verify", &release, "--attest", "--sign", "{board.key}"]);
    let refused = house.fails(
        &["approve", &release, "--by", "x", "--ledger", "{ledger}", "--sign", "{board.key}"],
        1,
    );
    assert!(refused.contains("not for release"), "{refused}");
    // Nobody approves his own run.
    house.fails(
        &house.arguments(&[
            "--sign",
            "{board.key}",
            "--ledger",
            "{ledger}",
            "--approved",
            "{approved}",
        ]),
        1,
    );
    assert!(kinds(&house.entries()).contains(&"refused"));
}

/// What a recipient gets of the anonymized release: its files and its public statement.
#[test]
fn a_recipient_verifies_a_release_alone_and_learns_no_method() {
    let house = House::new();
    house.release("r1", &[]);
    for kind in ["pseudonymized", "anonymized"] {
        let package = house.path(&format!("package-{kind}"));
        std::fs::create_dir_all(package.join("record")).unwrap();
        std::fs::create_dir_all(package.join(kind)).unwrap();
        for path in files(&house.path("out/r1").join(kind)) {
            std::fs::copy(&path, package.join(kind).join(path.file_name().unwrap())).unwrap();
        }
        let envelope = format!("record/{kind}.dsse.json");
        std::fs::copy(house.path("out/r1").join(&envelope), package.join(&envelope)).unwrap();
        let name = format!("{{package-{kind}}}");
        let said = house.ok(&["verify", &name, "--public-key", "{runner.pub}"]);
        assert!(said.contains("signed by the given key"), "{said}");
        house.ok(&["verify", &name, "--attest", "{svr.json}", "--sign", "{third.key}"]);
        assert!(
            house.fails(&["verify", &name, "--public-key", "{third.pub}"], 1).contains(&envelope)
        );
        let statement = payload(&package.join(&envelope));
        let told = statement.to_string();
        for word in [
            "\"k\"",
            "tails",
            "suppress",
            "quasi",
            "significant",
            "project",
            "shift",
            "reason",
            "approval",
        ] {
            assert!(!told.contains(word), "{word} stands in {envelope}");
        }
        let record: Value = serde_json::from_slice(
            &std::fs::read(house.path("out/r1/record/statement.json")).unwrap(),
        )
        .unwrap();
        for secret in [
            &record["policy"]["sha3_256"],
            &record["inputs"][0]["sha3_256"],
            &record["keys"]["pseudonymized"],
            &record["keys"]["anonymized"]["keyId"],
        ] {
            assert!(!told.contains(secret.as_str().unwrap()));
        }
        let data = package.join(kind).join("stays.csv");
        let (_, rows) = records(&data);
        assert!(!rows.is_empty());
        let bytes = std::fs::read(&data).unwrap();
        std::fs::write(&data, &bytes[..bytes.len() - 3]).unwrap();
        let said = house.fails(&["verify", &name], 1);
        assert!(said.contains(&format!("{kind}/stays.csv is not as it was signed")), "{said}");
    }
}

fn payload(path: &Path) -> Value {
    use base64::Engine as _;
    let envelope: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(envelope["payload"].as_str().unwrap())
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn the_statement_says_what_the_documents_promise() {
    let house = House::new();
    house.release("r1", &[]);
    let run = payload(&house.path("out/r1/record/run.dsse.json"));
    assert_eq!(run["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(run["predicateType"], "https://kakou.example/run/v1");
    let subjects = run["subject"].as_array().unwrap();
    for path in files(&house.path("out/r1")) {
        let relative = path.strip_prefix(house.path("out/r1")).unwrap().to_str().unwrap();
        let beside = kakou::record::seal::BESIDE_MANIFEST.contains(&relative);
        let subject = subjects.iter().find(|s| s["name"] == relative);
        assert_eq!(subject.is_some(), !beside, "{relative}");
        if let Some(subject) = subject {
            assert_eq!(subject["digest"]["sha256"].as_str().unwrap().len(), 64);
            assert_eq!(subject["digest"]["sha3_256"].as_str().unwrap().len(), 64);
        }
    }
    let account = &run["predicate"]["accounting"]["tables"][0];
    assert_eq!(account["in"], 60);
    assert_eq!(account["releases"]["anonymized"]["removed"], 1);
    assert_eq!(account["releases"]["anonymized"]["written"], 59);
    let persons = &run["predicate"]["accounting"]["persons"];
    assert_eq!(persons["withoutRows"]["anonymized"], 1);
    let page = std::fs::read_to_string(common::repo("docs/statement.md")).unwrap();
    for field in run["predicate"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{field}`")), "docs/statement.md does not tell of {field}");
    }
    assert_eq!(releases(&house.path("out")).len(), 1);
}

#[test]
fn two_persons_trace_a_pseudonym_back_and_after_the_purge_nobody_does() {
    let house = House::new();
    let release = house.release("r1", &[]);
    for share in ["a", "b", "c"] {
        house.ok(&["key", "new", "--share", &format!("{{share-{share}}}")]);
    }
    house.ok(&[
        "key",
        "escrow",
        "{project.key}",
        "--share",
        "{share-a}",
        "--share",
        "{share-b}",
        "--out",
        "{escrow}",
    ]);
    let tokens = |kind: &str| -> Vec<String> {
        let (header, rows) = records(&house.path("out/r1").join(kind).join("stays.csv"));
        assert_eq!(header[0], "患者ID");
        rows.iter().take(3).map(|r| r[0].clone()).collect()
    };
    std::fs::write(house.path("tokens"), tokens("pseudonymized").join("\n")).unwrap();
    let candidates: String = (0..60).map(|n| format!("P{n:05}\n")).collect();
    std::fs::write(house.path("candidates"), candidates).unwrap();
    let whole = [
        "reveal",
        release.as_str(),
        "--inquiry",
        "drug",
        "--reason",
        "副作用の照会への回答のため",
        "--reference",
        "照会 12号",
        "--by",
        "甲",
        "--by",
        "乙",
        "--escrow",
        "{escrow}",
        "--share",
        "{share-a}",
        "--share",
        "{share-b}",
        "--tokens",
        "{tokens}",
        "--candidates",
        "{candidates}",
        "--out",
        "{answer}",
        "--ledger",
        "{ledger}",
        "--sign",
        "{runner.key}",
    ];
    let changed = |from: &[&str], to: &[&'static str]| -> Vec<&str> {
        let at = whole.windows(from.len()).position(|w| w == from).unwrap();
        let mut all = whole[..at].to_vec();
        all.extend(to);
        all.extend(&whole[at + from.len()..]);
        all
    };
    let before = house.entries().len();
    for (from, to, code) in [
        (&["--inquiry", "drug"][..], &["--inquiry", "research"][..], 2),
        (&["--reason", "副作用の照会への回答のため"], &[], 2),
        (&["--reason", "副作用の照会への回答のため"], &["--reason", "念のため"], 1),
        (&["--by", "乙"], &["--by", "甲"], 1),
        (&["--by", "乙"], &[], 1),
        (&["--share", "{share-b}"], &[], 1),
        (&["--share", "{share-b}"], &["--share", "{share-a}"], 1),
        (&["--share", "{share-b}"], &["--share", "{share-c}"], 1),
        (&["--share", "{share-b}"], &["--share", "{project.key}"], 2),
        (&["--ledger", "{ledger}"], &[], 2),
        (&["--sign", "{runner.key}"], &["--sign", "{third.key}"], 1),
    ] {
        house.fails(&changed(from, to), code);
        assert!(!house.path("answer").exists());
    }
    // The anonymized release is not traced back.
    std::fs::write(house.path("tokens-anonymized"), tokens("anonymized").join("\n")).unwrap();
    let said =
        house.fails(&changed(&["--tokens", "{tokens}"], &["--tokens", "{tokens-anonymized}"]), 1);
    assert!(said.contains("are not persons of this pseudonymized release"), "{said}");
    assert_eq!(house.entries().len(), before);
    house.ok(&whole);
    let answer = std::fs::read_to_string(house.path("answer")).unwrap();
    assert_eq!(answer.lines().count(), 3);
    for line in answer.lines() {
        let (token, identifier) = line.split_once('\t').unwrap();
        assert!(
            tokens("pseudonymized").contains(&token.to_owned()) && identifier.starts_with("P000")
        );
    }
    let entries = house.entries();
    let entry = entries.last().unwrap();
    assert_eq!(entry["kind"], "reveal");
    assert_eq!(entry["body"]["found"], 3);
    assert_eq!(entry["body"]["by"], serde_json::json!(["甲", "乙"]));
    assert!(!common::settled(&entry.to_string()).contains("P000"));
    // The purge: told first, done with --yes, entered with its items; afterwards the way back is gone.
    std::fs::copy(house.path("escrow"), house.path("hidden")).unwrap();
    let purge = [
        "purge",
        "--project-key",
        "{project.key}",
        "--escrow",
        "{escrow}",
        "--release",
        release.as_str(),
        "--spill",
        "{out}",
        "--reason",
        "契約の終了",
        "--ledger",
        "{ledger}",
        "--sign",
        "{runner.key}",
    ];
    assert!(house.fails(&purge, 1).contains("--yes"));
    assert!(house.path("project.key").exists() && house.path("out/r1").exists());
    let mut yes = purge.to_vec();
    yes.push("--yes");
    let kept = tempfile::tempdir().unwrap();
    let copied =
        Command::new("cp").arg("-a").arg(house.path("out/r1")).arg(kept.path()).status().unwrap();
    assert!(copied.success());
    house.ok(&yes);
    for gone in ["project.key", "escrow", "out/r1"] {
        assert!(!house.path(gone).exists(), "{gone}");
    }
    let entries = house.entries();
    let [begun, done] = &entries[entries.len() - 2..] else { panic!() };
    assert_eq!(begun["kind"], "deletion");
    assert_eq!(begun["body"]["state"], "begun");
    assert_eq!(done["body"]["state"], "done");
    assert_eq!(done["body"]["releases"][0]["release"], "r1");
    assert_eq!(
        done["body"]["releases"][0]["releases"]["pseudonymized"]["items"]["stays"][0],
        "患者ID"
    );
    assert_eq!(done["body"]["keys"].as_array().unwrap().len(), 2);
    assert!(done["body"]["retentionUntil"].as_str().unwrap() > "2029");
    // The book: each release once, with its items; that the deletion had begun is no entry of its own.
    let book = house.ok(&["papers", "--format", "csv", "book", "{ledger}"]);
    let mut reader = csv::Reader::from_reader(book.trim_start_matches('\u{feff}').as_bytes());
    let deleted: Vec<Vec<String>> = reader
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
        .filter(|r| r[2] == "消去")
        .collect();
    assert_eq!(deleted.len(), 3, "{deleted:?}");
    assert_eq!(deleted.iter().filter(|r| r[3] == "r1" && r[11].contains("性別")).count(), 2);
    assert_eq!(deleted[2][11], "鍵");
    assert!(deleted.iter().all(|r| r[10] == done["body"]["deletedAt"].as_str().unwrap()));
    std::fs::remove_file(house.path("answer")).unwrap();
    house.fails(&changed(&[release.as_str()], &["{out/r1}"]), 4);
    // Even with a copy of the release and of the sealed key that someone has hidden.
    let copy = kept.path().join("r1");
    let mut hidden = changed(&["--escrow", "{escrow}"], &["--escrow", "{hidden}"]);
    hidden[1] = text(&copy);
    let said = house.fails(&hidden, 1);
    assert!(said.contains("this release was deleted"), "{said}");
}

#[test]
fn a_key_takes_the_place_of_another() {
    let house = House::new();
    let old = house.release("old", &[]);
    house.ok(&["key", "rotate", "{runner.key}", "{next.key}", "--ledger", "{ledger}"]);
    let public = house.ok(&["key", "public", "{next.key}"]);
    std::fs::write(house.path("next.pub"), &public).unwrap();
    let followed = house.ok(&[
        "key",
        "follow",
        "{next.key.announcement.dsse.json}",
        "--public-key",
        "{runner.pub}",
    ]);
    assert_eq!(followed, public);
    house.fails(
        &["key", "follow", "{next.key.announcement.dsse.json}", "--public-key", "{third.pub}"],
        1,
    );
    let said =
        house.fails(&house.arguments(&["--sign", "{runner.key}", "--ledger", "{ledger}"]), 1);
    assert!(said.contains("may not write in the ledger"), "{said}");
    house.ok(&house.arguments(&[
        "--release-id",
        "new",
        "--sign",
        "{next.key}",
        "--ledger",
        "{ledger}",
    ]));
    house.ok(&["ledger", "verify", "{ledger}", "--public-key", "{runner.pub}"]);
    house.ok(&["verify", &old, "--ledger", "{ledger}", "--public-key", "{runner.pub}"]);
    house.ok(&[
        "verify",
        "{out/new}",
        "--ledger",
        "{ledger}",
        "--public-key",
        "{next.pub}",
        "--public-key",
        "{runner.pub}",
    ]);
}

/// A rotation that was killed after any of its steps is finished by the same command; a damaged key is told from a half made rotation.
#[test]
fn a_rotation_can_be_repeated() {
    let house = House::new();
    let rotate = ["key", "rotate", "{runner.key}", "{next.key}", "--ledger", "{ledger}"];
    let announcement = house.path("next.key.announcement.dsse.json");
    let entries = || house.entries().iter().filter(|e| e["body"]["event"] == "rotated").count();
    // Damaged, and nobody knows it: it may go.
    std::fs::write(house.path("next.key"), "").unwrap();
    std::fs::set_permissions(
        house.path("next.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let said = house.fails(&rotate, 4);
    assert!(said.contains("never announced: remove it"), "{said}");
    std::fs::remove_file(house.path("next.key")).unwrap();
    // Killed after the key.
    house.ok(&["key", "new", "--signing", "{next.key}"]);
    let said = house.ok(&["key", "rotate", "{runner.key}", "{next.key}"]);
    assert!(said.contains("not announced yet: going on"), "{said}");
    // Killed after the announcement.
    let first = std::fs::read(&announcement).unwrap();
    let said = house.ok(&rotate);
    assert!(said.contains("before and announced: going on"), "{said}");
    assert_eq!((entries(), std::fs::read(&announcement).unwrap()), (1, first.clone()));
    // Done: said again, not done again.
    house.ok(&rotate);
    assert_eq!(entries(), 1);
    house.ok(&["ledger", "verify", "{ledger}", "--public-key", "{runner.pub}"]);
    // The announcement that was entered cannot be made again.
    std::fs::remove_file(&announcement).unwrap();
    assert!(house.fails(&rotate, 1).contains("[R0709]"));
    std::fs::write(&announcement, &first).unwrap();
    // A key that has another place is not taken.
    let said = house.fails(&["key", "rotate", "{next.key}", "{next.key}"], 1);
    assert!(said.contains("in use already"), "{said}");
    house.ok(&["key", "new", "--signing", "{other.key}"]);
    std::fs::copy(&announcement, house.path("other.key.announcement.dsse.json")).unwrap();
    let said = house.fails(&["key", "rotate", "{runner.key}", "{other.key}"], 1);
    assert!(said.contains("announces another key"), "{said}");
}

/// From the run to the seal, as the test above, in one go.
fn sealed(house: &House, id: &str) -> String {
    house.approve_policy();
    let release = house.release(id, &["--approved", "{approved}"]);
    let keys = ["--public-key", "{runner.pub}", "--public-key", "{board.pub}"];
    let mut verify = vec!["verify", release.as_str(), "--attest", "--sign", "{board.key}"];
    verify.extend(keys);
    house.ok(&verify);
    house.ok(&[
        "approve",
        &release,
        "--by",
        "次長",
        "--ledger",
        "{ledger}",
        "--sign",
        "{board.key}",
    ]);
    house.ok(&["seal", &release, "--ledger", "{ledger}", "--sign", "{runner.key}"]);
    release
}

#[test]
fn the_successor_of_a_key_under_a_passphrase_does_not_lie_open() {
    let house = House::new();
    std::fs::write(house.path("pass"), "correct horse battery\n").unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(house.path("pass"), std::fs::Permissions::from_mode(0o600)).unwrap();
    house.ok(&["key", "new", "--signing", "{closed.key}", "--passphrase-file", "{pass}"]);
    let rotate = ["key", "rotate", "{closed.key}", "{after.key}", "--passphrase-file", "{pass}"];
    assert!(house.fails(&rotate, 1).contains("[R0710]"));
    assert!(!house.path("after.key").exists());
    let with = [&rotate[..], &["--new-passphrase-file", "{pass}"]].concat();
    house.ok(&with);
    let shown = house.ok(&["key", "show", "{after.key}", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["passphrase"], true);
}

#[test]
fn a_recipient_gets_a_package_and_the_book_has_the_provision() {
    let house = House::new();
    let release = house.release("early", &[]);
    let package = |release: &str, more: &[&str], code: i32| {
        let mut all = vec![
            "package",
            release,
            "--for",
            "創薬研究株式会社",
            "--address",
            "東京都千代田区一番町",
            "--contract",
            "C-12",
            "--sign",
            "{runner.key}",
            "--ledger",
            "{ledger}",
        ];
        all.extend(more);
        if code == 0 { house.ok(&all) } else { house.fails(&all, code) }
    };
    let handler = ["--kind", "anonymized", "--recipient", "handler", "--out", "{transfer}"];
    // Not far enough; then the wrong recipients.
    assert!(package(&release, &handler, 1).contains("R0506"));
    let release = sealed(&house, "r1");
    for (kind, recipient, code) in [
        ("pseudonymized", "handler", "R0504"),
        ("pseudonymized", "third-party", "R0504"),
        ("pseudonymized", "certified-user", "R0505"),
        ("anonymized", "linkable", "R0504"),
        ("anonymized", "certified-user", "R0504"),
    ] {
        let said =
            package(&release, &["--kind", kind, "--recipient", recipient, "--out", "{no}"], 1);
        assert!(said.contains(code), "{kind} {recipient}: {said}");
    }
    assert!(!house.path("no").exists());
    assert_eq!(kinds(&house.entries()).iter().filter(|k| **k == "provision").count(), 0);
    package(&release, &handler, 0);
    // What is in it, and what is not.
    let folder = house.path("transfer");
    let names: Vec<String> = files(&folder)
        .iter()
        .map(|p| p.strip_prefix(&folder).unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(
        names.iter().all(|n| {
            n.starts_with("anonymized/")
                || kakou::record::package::BESIDE.contains(&n.as_str())
                || n == "record/anonymized.dsse.json"
        }),
        "{names:?}"
    );
    let secret: Value =
        serde_json::from_slice(&std::fs::read(house.path("out/r1/record/statement.json")).unwrap())
            .unwrap();
    let mut hidden: Vec<String> = vec![
        secret["policy"]["sha3_256"].as_str().unwrap().to_owned(),
        secret["frozenPlan"]["sha3_256"].as_str().unwrap().to_owned(),
        secret["keys"]["anonymized"]["keyId"].as_str().unwrap().to_owned(),
        secret["keys"]["pseudonymized"].as_str().unwrap().to_owned(),
    ];
    hidden.extend(
        [
            "\"k\"",
            "quasi",
            "\"suppressed\"",
            "significant",
            "tails",
            "nonce",
            "at_most",
            "保険者番号",
            "氏名",
        ]
        .map(str::to_owned),
    );
    for path in files(&folder) {
        let bytes = std::fs::read(&path).unwrap();
        let mut seen = vec![String::from_utf8_lossy(&bytes).into_owned()];
        if path.extension().is_some_and(|e| e == "json") && path.to_string_lossy().contains("dsse")
        {
            seen.push(payload(&path).to_string());
        }
        // Digests are searched for in everything, words in what is not drawn anew.
        for word in &hidden {
            let drawn = word.bytes().any(|b| b.is_ascii_digit());
            let tells = |s: &String| {
                if drawn { s.contains(word) } else { common::settled(s).contains(word) }
            };
            assert!(!seen.iter().any(tells), "{} tells {word}", path.display());
        }
    }
    // The recipient's own checks: ours and a tool that everybody has.
    let told = house.ok(&["verify", "{transfer}", "--public-key", "{runner.pub}"]);
    assert!(told.contains("state: staged") && told.contains("none of the given keys"), "{told}");
    let both = ["--public-key", "{runner.pub}", "--public-key", "{board.pub}"];
    let told = house.ok(&[&["verify", "{transfer}"][..], &both].concat());
    assert!(told.contains("state: sealed"), "{told}");
    assert!(told.contains("package of one release, anonymized only:"), "{told}");
    assert!(!told.contains("pseudonymized: 0 rows"), "{told}");
    let sums =
        Command::new("sha256sum").args(["-c", "SHA256SUMS"]).current_dir(&folder).output().unwrap();
    assert!(sums.status.success());
    std::fs::write(folder.join("anonymized/more.csv"), "x").unwrap();
    assert!(house.fails(&["verify", "{transfer}"], 1).contains("more.csv"));

    // The book: one provision with name, address, date, items, and three years to keep it.
    let entries = house.entries();
    let provision = entries.iter().find(|e| e["kind"] == "provision").unwrap();
    assert_eq!(provision["body"]["recipient"]["name"], "創薬研究株式会社");
    assert_eq!(provision["body"]["persons"], secret["persons"]["released"]["anonymized"]);
    let book = house.ok(&["papers", "book", "{ledger}", "--public-key", "{runner.pub}"]);
    let year: i32 = provision["at"].as_str().unwrap()[..4].parse().unwrap();
    assert!(
        ["創薬研究株式会社", "提供", "性別", "C-12"].iter().all(|told| book.contains(told)),
        "{book}"
    );
    assert!(book.contains(&format!("{}-", year + 3)), "{book}");
    let csv = house.ok(&["papers", "--format", "csv", "book", "{ledger}"]);
    let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    assert_eq!(reader.headers().unwrap().len(), 15);
    assert!(reader.records().all(|r| r.unwrap().len() == 15));
    let leak = house.ok(&["papers", "leak", "{ledger}"]);
    assert!(leak.contains("創薬研究株式会社") && leak.contains("総点数"));
    // The nine items in their order, what the ledger does not know to be written by the house, and both terms.
    for (n, item) in (1..).zip([
        "概要",
        "漏えい等",
        "漏えい等",
        "原因",
        "二次被害",
        "本人への対応",
        "公表",
        "再発防止",
        "その他",
    ]) {
        assert!(leak.contains(&format!("\n{n}. {item}")), "{n} {item}: {leak}");
    }
    assert!(leak.contains("30日以内") && leak.contains("60日以内"));
    assert!(leak.matches("［記入］").count() == 7, "{leak}");
    let methods = house.ok(&["papers", "methods", "--policy", "{policy.toml}"]);
    assert!(
        methods.contains("規則18条") && methods.contains("規則33条") && methods.contains("氏名"),
        "{methods}"
    );
    // Under this law items are not published (法19条3項).
    assert!(house.fails(&["papers", "publication", &release], 1).contains("R0510"));
}

/// The two kinds of a release join by content, and a second recipient with the same tokens can join what both have: neither
/// leaves the house without a reason in the ledger.
#[test]
fn what_joins_goes_to_one_recipient_with_a_recorded_reason_only() {
    let house = House::new();
    let release = sealed(&house, "r1");
    let other = house.release("r2", &["--approved", "{approved}"]);
    let mut verify = vec!["verify", other.as_str(), "--attest", "--sign", "{board.key}"];
    verify.extend(["--public-key", "{runner.pub}", "--public-key", "{board.pub}"]);
    house.ok(&verify);
    let approve =
        ["approve", &other, "--by", "次長", "--ledger", "{ledger}", "--sign", "{board.key}"];
    house.ok(&approve);
    let give = |release: &str, kind: &str, name: &str, more: &[&str], code: i32| {
        let recipient = if kind == "anonymized" { "handler" } else { "certified-user" };
        let out = format!("{{{kind}-{name}-{}}}", more.len()).replace(['　', '（', '）'], "");
        let certification = format!("N-{name}");
        let mut all =
            vec!["package", release, "--kind", kind, "--recipient", recipient, "--for", name];
        all.extend(["--out", &out]);
        if !more.contains(&"--address") {
            all.extend(["--address", "東京都千代田区一番町"]);
        }
        all.extend(["--sign", "{runner.key}", "--ledger", "{ledger}"]);
        if !more.contains(&"--contract") {
            all.extend(["--contract", name]);
        }
        if !more.contains(&"--certification") {
            all.extend(["--certification", &certification]);
        }
        all.extend(more);
        if code == 0 { house.ok(&all) } else { house.fails(&all, code) }
    };
    give(&release, "anonymized", "創薬研究株式会社", &[], 0);
    // Under its name, in another spelling, by the number, by the contract, by another name.
    for (name, more) in [
        ("創薬研究株式会社", &[][..]),
        ("創薬研究（株）", &[]),
        ("創薬研究株式会社", &["--address", "大阪市北区一丁目", "--contract", "C-9"]),
        ("創薬研究　株式会社　", &["--address", "大阪市北区一丁目", "--contract", "C-9"]),
        ("別の名", &["--certification", "Ｎ－創薬研究株式会社"]),
        ("別の名", &["--contract", "創薬研究株式会社"]),
        ("別の名", &["--also-known-as", "創薬研究"]),
    ] {
        let said = give(&release, "pseudonymized", name, more, 1);
        assert!(
            said.contains("R0508") && said.contains("--both-because"),
            "{name} {more:?}: {said}"
        );
        // Another run of the same persons is no way around.
        assert!(give(&other, "pseudonymized", name, more, 1).contains("R0508"), "{name} {more:?}");
    }
    assert!(
        give(&release, "pseudonymized", "創薬研究株式会社", &["--both-because", "　"], 2)
            .contains("R0511")
    );
    let done = |e: &&Value| e["kind"] == "provision" && e["body"]["state"] == "done";
    assert_eq!(house.entries().iter().filter(done).count(), 1);
    let reason = ["--both-because", "審査会 第7号", "--address", "大阪市"];
    let said = give(&release, "pseudonymized", "創薬研究（株）", &reason, 0);
    assert!(said.contains("in another spelling or at another address"), "{said}");
    let entries = house.entries();
    let last = entries.iter().rfind(|e| e["kind"] == "provision").unwrap();
    assert_eq!(last["body"]["bothBecause"], "審査会 第7号");
    // The same tokens for somebody else: this release, and any later one of the same derivation.
    for release in [&release, &other] {
        let said = give(release, "pseudonymized", "医療統計研究所", &[], 1);
        assert!(said.contains("R0509") && said.contains("[pseudonymized] recipient"), "{said}");
    }
    assert!(give(&release, "anonymized", "医療統計研究所", &[], 1).contains("R0509"));
    // The same recipient may have the next one.
    give(
        &other,
        "pseudonymized",
        "創薬研究",
        &["--both-because", "審査会 第7号", "--contract", "C-2"],
        0,
    );
    give(&release, "anonymized", "医療統計研究所", &["--same-tokens-because", "審査会 第8号"], 0);
    let entries = house.entries();
    let last = entries.iter().rfind(|e| e["kind"] == "provision").unwrap();
    assert_eq!(last["body"]["sameTokensBecause"], "審査会 第8号");
}

#[test]
fn an_auditor_makes_the_release_again() {
    let house = House::new();
    let release = house.release("r1", &[]);
    let replay = |more: &[&str], code: i32| {
        let mut all =
            vec!["replay", release.as_str(), "--policy", "{policy.toml}", "--input", "{data}"];
        all.extend(more);
        if code == 0 { house.ok(&all) } else { house.fails(&all, code) }
    };
    let said = replay(&["--key", "{project.key}"], 0);
    assert!(said.contains("1 files, the same bytes") && said.contains("stays.患者ID"), "{said}");
    assert!(replay(&[], 0).contains("no key was given"));
    // Another key gives other tokens: the pseudonymized release is not the same bytes.
    house.ok(&["key", "new", "{other.key}"]);
    assert!(
        replay(&["--key", "{other.key}"], 1)
            .contains("pseudonymized release is not the same bytes")
    );
    // One threshold.
    let changed = POLICY.replace("at_most = 0.2", "at_most = 0.25");
    std::fs::write(house.path("policy.toml"), changed).unwrap();
    assert!(replay(&[], 1).contains("policy is not the one of the run"));
    // A comment is no change.
    std::fs::write(house.path("policy.toml"), format!("# a word\n{POLICY}")).unwrap();
    replay(&[], 0);
    // One cell of the input: the table and the column are named.
    let data = std::fs::read_to_string(house.path("data/stays.csv")).unwrap();
    std::fs::write(house.path("data/stays.csv"), data.replacen(",1,1000\n", ",2,1000\n", 1))
        .unwrap();
    let said = replay(&["--key", "{project.key}"], 1);
    assert!(
        said.contains("input file of table `stays`") && said.contains("column `性別`"),
        "{said}"
    );
    assert!(!said.contains("column `総点数`"), "{said}");
    // A row less.
    let fewer: Vec<&str> = data.lines().filter(|l| !l.starts_with("P00007")).collect();
    std::fs::write(house.path("data/stays.csv"), fewer.join("\n")).unwrap();
    assert!(replay(&[], 1).contains("another number of rows"));
    // The exclusion lists of the run belong to it.
    std::fs::write(house.path("data/stays.csv"), data).unwrap();
    std::fs::write(house.path("out.txt"), "P00001\n").unwrap();
    assert!(replay(&["--exclude", "{out.txt}"], 1).contains("exclusion lists"));
}

/// Written by a program before the statement had its second version: `tests/fixtures/record-1`.
#[test]
fn a_release_with_a_statement_of_the_first_version_still_verifies() {
    let old = common::repo("tests/fixtures/record-1");
    let (release, public) = (old.join("r1"), old.join("runner.pub"));
    let verify = |release: &std::path::Path| {
        kakou(&["verify", text(release), "--public-key", text(&public), "--json"])
    };
    let output = verify(&release);
    assert!(output.status.success(), "{}", error_of(&output));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&found["persons"]["pseudonymized"], &found["persons"]["anonymized"]),
        (&58.into(), &57.into())
    );
    // Papers are made of it, too.
    let output = kakou(&["papers", "publication", text(&release)]);
    assert!(error_of(&output).contains("R0510"), "{}", error_of(&output));
    // A row less is seen.
    let work = tempfile::tempdir().unwrap();
    let copy = work.path().join("r1");
    for path in common::files(&release) {
        let to = copy.join(path.strip_prefix(&release).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(path, to).unwrap();
    }
    let rows = std::fs::read_to_string(copy.join("anonymized/drugs.csv")).unwrap();
    let (less, _) = rows.trim_end().rsplit_once('\n').unwrap();
    std::fs::write(copy.join("anonymized/drugs.csv"), format!("{less}\n")).unwrap();
    assert!(error_of(&verify(&copy)).contains("C0801"));
}
