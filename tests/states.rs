//! The states of a release against its ledger; provisions and deletions that are not half done; what a release folder may be.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::house::House;
use crate::common::{error_of, program, text};
use kakou::keys::SigningKey;
use kakou::record::ledger::{EntryKind, Ledger};
use kakou::record::purge;
use serde_json::{Value, json};

const PACKAGE: &str = "package {out/r1} --kind anonymized --for X --address Y --recipient handler --contract C \
    --out {give/x} --ledger {ledger} --sign {runner.key}";

fn said(what: &str, code: &str) {
    assert!(what.contains(code), "{code}: {what}");
}

fn runner(house: &House) -> SigningKey {
    SigningKey::open(&house.path("runner.key"), None).unwrap()
}

fn kinds(house: &House, kind: &str) -> Vec<Value> {
    house.entries().into_iter().filter(|e| e["kind"] == kind).map(|e| e["body"].clone()).collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A scratch ledger, a ledger that was set back, a release that comes back after its deletion, a statement that was taken away.
#[test]
fn every_state_stands_in_the_ledger() {
    let house = House::new();
    for id in ["r1", "scratch"] {
        house.release(id);
        house.attest(id);
    }
    house.copy("ledger", "aside");
    house.copy("ledger", "before");
    // Approved where nobody looks.
    house.ok(&House::approval("scratch", "aside"));
    let verify = |id: &str, ledger: &str| format!("verify {{out/{id}}} --ledger {{{ledger}}}");
    said(&house.fails(&verify("scratch", "ledger")), "R0406");
    said(&house.fails("seal {out/scratch} --ledger {ledger} --sign {runner.key}"), "R0406");
    said(&house.fails(&PACKAGE.replace("out/r1", "out/scratch")), "R0406");
    assert!(house.ok(&verify("scratch", "aside")).contains("approved\n"));
    // Without a ledger nobody has looked.
    assert!(house.ok("verify {out/scratch}").contains("state not checked"));
    // Killed between the entry and the file: the same command brings it to its end.
    house.ok(&House::approval("r1", "ledger"));
    let approval = house.path("out/r1/record/approval.dsse.json");
    std::fs::remove_file(&approval).unwrap();
    said(&house.fails(&verify("r1", "ledger")), "R0408");
    std::fs::write(house.path("out/r1/record/.kakou-abcdef"), "half").unwrap();
    house.ok(&House::approval("r1", "ledger"));
    house.ok("seal {out/r1} --ledger {ledger} --sign {runner.key}");
    let seal = house.path("out/r1/record/seal.dsse.json");
    let kept = std::fs::read(&seal).unwrap();
    std::fs::remove_file(&seal).unwrap();
    said(&house.fails(&verify("r1", "ledger")), "R0408");
    said(&house.fails(PACKAGE), "R0408");
    std::fs::write(&seal, kept).unwrap();
    assert!(house.ok(&verify("r1", "ledger")).contains("sealed\n"));
    // Set back to the day before the approval.
    said(&house.fails(&verify("r1", "before")), "R0406");
    // A verifier whom the ledger does not know makes no state.
    house.release("r2");
    house.ok("verify {out/r2} --attest --sign {third.key}");
    said(&house.fails(&verify("r2", "ledger")), "R0407");
    // Deleted, and back from a backup.
    house.copy("out/r1", "kept");
    house.ok("purge --release {out/r1} --reason end --ledger {ledger} --sign {runner.key} --yes");
    std::fs::rename(house.path("kept"), house.path("out/r1")).unwrap();
    for line in [&verify("r1", "ledger"), PACKAGE] {
        said(&house.fails(line), "R0404");
    }
    // The copy goes too; the record stays for inspections.
    house.ok("purge --release {out/r1} --reason end --ledger {ledger} --sign {runner.key} --yes");
    assert!(!house.path("out/r1").exists());
    assert!(house.path("out/r1.deleted/record/statement.json").exists());
    assert_eq!(std::fs::read_dir(house.path("out/r1.deleted")).unwrap().count(), 1);
}

/// Ids are used once; a run that ended made no release, whatever was entered of it before; one that was killed after its release
/// stood made one.
#[test]
fn a_release_is_counted_once_and_an_ended_run_never() {
    let house = House::new();
    house.release("r1");
    let run = |id: &str, out: &str| {
        format!(
            "run --quiet --policy {{policy.toml}} --input {{data}} --key {{project.key}} --out {{{out}}} --release-id {id} \
             --sign {{runner.key}} --ledger {{ledger}} --approved {{approved}}"
        )
    };
    let before = house.entries().len();
    said(&house.fails(&run("r1", "elsewhere")), "R0205");
    assert_eq!(house.entries().len(), before, "what did not begin is no entry");
    let (ledger, key) = (Ledger::at(&house.path("ledger")), runner(&house));
    // Entered, then killed before its folder had its name.
    let told = json!({ "release": "gone", "startedAt": "2026-01-01T00:00:00Z", "folder": text(&house.path("out/gone")) });
    let mut body = kinds(&house, "run").remove(0);
    body["release"] = json!("gone");
    body["startedAt"] = json!("2026-01-01T00:00:01Z");
    drop(ledger.begin(&told).unwrap());
    // Appending is what finds the ticket: first the entry itself, under another ledger's hand.
    let ticket =
        std::fs::read_dir(house.path("ledger/open")).unwrap().next().unwrap().unwrap().path();
    let hidden = house.path("ticket");
    std::fs::rename(&ticket, &hidden).unwrap();
    let entered = ledger.append(EntryKind::Run, &body, &key).unwrap().index;
    std::fs::rename(&hidden, &ticket).unwrap();
    // One that was killed after its release stood: its last word is missing, nothing else.
    let stands = json!({ "release": "r1", "startedAt": "2026-01-01T00:00:00Z", "folder": text(&house.path("out/r1")) });
    drop(ledger.begin(&stands).unwrap());
    ledger
        .append(
            EntryKind::Refused,
            &json!({ "release": "other", "startedAt": "2026-01-01T00:00:00Z" }),
            &key,
        )
        .unwrap();
    let aborted = kinds(&house, "aborted");
    assert_eq!(aborted.len(), 1, "{aborted:?}");
    assert_eq!((&aborted[0]["release"], &aborted[0]["entered"]), (&json!("gone"), &json!(entered)));
    let leak = house.ok("papers --format csv leak {ledger}");
    assert_eq!(leak.matches("r1").count(), 2, "{leak}");
    assert!(!leak.contains("gone"), "{leak}");
    said(&house.fails("ledger prove {ledger} --release gone"), "R0231");
    house.ok("ledger prove {ledger} --release r1");
    house.ok("verify {out/r1} --ledger {ledger}");
}

/// Killed at each step, a package is completed or taken back by the next one; it never stands there without its entry.
#[test]
fn a_package_is_entered_before_it_stands() {
    let house = House::new();
    house.sealed("r1");
    house.ok(PACKAGE);
    let provisions = kinds(&house, "provision");
    let states: Vec<&str> = provisions.iter().map(|b| b["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["begun", "done"]);
    assert_eq!(mode(&house.path("give")), 0o700);
    let book = house.ok("papers --format csv book {ledger}");
    assert_eq!(book.matches(",提供,").count(), 1, "{book}");
    // Entered whole, killed before the renaming.
    let mark = provisions[1]["package"].as_str().unwrap();
    let hidden = format!("give/.kakou-package-{mark}");
    let note = format!("{hidden}.json");
    std::fs::rename(house.path("give/x"), house.path(&hidden)).unwrap();
    std::fs::write(house.path(&note), r#"{"out":"x"}"#).unwrap();
    house.ok(PACKAGE);
    assert!(house.path("give/x").exists() && !house.path(&note).exists());
    assert_eq!(kinds(&house, "provision").len(), 2, "nothing was given a second time");
    // Killed between the two entries.
    let mut begun = provisions[0].clone();
    begun["package"] = json!("00");
    let (ledger, key) = (Ledger::at(&house.path("ledger")), runner(&house));
    ledger.append(EntryKind::Provision, &begun, &key).unwrap();
    std::fs::create_dir(house.path("give/.kakou-package-00")).unwrap();
    std::fs::write(house.path("give/.kakou-package-00/cells.csv"), "x").unwrap();
    std::fs::write(house.path("give/.kakou-package-00.json"), r#"{"out":"y"}"#).unwrap();
    // And before the first, by this program and by an older one.
    for left in ["give/.kakou-package-11", "give/.kakou-package-old"] {
        std::fs::create_dir(house.path(left)).unwrap();
    }
    std::fs::write(house.path("give/.kakou-package-11.json"), "").unwrap();
    house.ok(&PACKAGE.replace("give/x", "give/y"));
    let left: Vec<_> =
        std::fs::read_dir(house.path("give")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let states: Vec<Value> =
        kinds(&house, "provision").iter().map(|b| b["state"].clone()).collect();
    assert_eq!(states, ["begun", "done", "begun", "aborted", "begun", "done"]);
    let book = house.ok("papers --format csv book {ledger}");
    assert_eq!(book.matches(",提供,").count(), 2, "{book}");
    // The list of digests and the covering note are held too.
    house.ok("verify {give/y}");
    for name in ["SHA256SUMS", "送付書.md"] {
        let path = house.path("give/y").join(name);
        let kept = std::fs::read(&path).unwrap();
        let mut changed = kept.clone();
        changed[10] ^= 1;
        std::fs::write(&path, changed).unwrap();
        said(&house.fails("verify {give/y}"), "SHA256SUMS is not of these files");
        std::fs::write(&path, kept).unwrap();
    }
}

/// Killed at each step, a purge is gone on with by the same command.
#[test]
fn a_purge_is_gone_on_with() {
    for step in 0..6 {
        let house = House::new();
        house.release("r1");
        let (ledger, key) = (Ledger::at(&house.path("ledger")), runner(&house));
        let targets = purge::Targets {
            keys: vec![house.path("project.key")],
            escrows: vec![],
            releases: vec![house.path("out/r1")],
            ..purge::Targets::default()
        };
        let book = ledger.read(&[]).unwrap();
        let planned = purge::plan(targets, &purge::Source::default(), "end", &book).unwrap();
        let mut body = planned.body.clone();
        body["state"] = json!("begun");
        let begun = ledger.append(EntryKind::Deletion, &body, &key).unwrap().index;
        let hidden_key = house.path(".project.key.kakou-purge");
        let hidden = house.path("out/.kakou-purge-r1");
        if step >= 1 {
            std::fs::rename(house.path("project.key"), &hidden_key).unwrap();
        }
        if step >= 2 {
            let size = std::fs::metadata(&hidden_key).unwrap().len() as usize;
            std::fs::write(&hidden_key, vec![7; size / 2]).unwrap();
        }
        if step >= 3 {
            std::fs::remove_file(&hidden_key).unwrap();
            std::fs::rename(house.path("out/r1"), &hidden).unwrap();
        }
        if step >= 4 {
            std::fs::remove_dir_all(hidden.join("anonymized")).unwrap();
        }
        if step >= 5 {
            std::fs::remove_dir_all(hidden.join("pseudonymized")).unwrap();
            std::fs::rename(&hidden, house.path("out/r1.deleted")).unwrap();
        }
        // With fewer targets it is another deletion, which says how to go on.
        if step >= 1 {
            let other = "purge --project-key {project.key} --reason end --ledger {ledger} --sign {runner.key} --yes";
            said(&house.fails(other), "a deletion that did not end");
        }
        let line = "purge --project-key {project.key} --release {out/r1} --reason end --ledger {ledger} --sign {runner.key} --yes";
        house.ok(line);
        let deletions = kinds(&house, "deletion");
        assert_eq!(deletions.len(), 2, "step {step}");
        assert_eq!(
            (&deletions[1]["state"], &deletions[1]["begun"]),
            (&json!("done"), &json!(begun))
        );
        assert_eq!(deletions[1]["keys"], deletions[0]["keys"], "step {step}");
        for gone in [
            "project.key",
            ".project.key.kakou-purge",
            "out/r1",
            "out/.kakou-purge-r1",
            "out/r1.deleted/anonymized",
        ] {
            assert!(!house.path(gone).exists(), "step {step}: {gone}");
        }
        assert!(house.path("out/r1.deleted/record/run.dsse.json").exists(), "step {step}");
    }
}

/// Where the policy says so one person asks for a deletion and another one, by key and by name, does it.
#[test]
fn a_deletion_by_two() {
    let house = House::new();
    let policy = std::fs::read_to_string(house.path("policy.toml")).unwrap();
    let by_two = policy.replace("version = \"1\"", "version = \"2\"\ndeletion_by_two = true");
    std::fs::write(house.path("policy.toml"), by_two).unwrap();
    house.ok("policy approve {policy.toml} --approved {approved} --sign {board.key} --by b --reference 2");
    house.release("r1");
    let purge = |who: &str, key: &str| {
        format!(
            "purge --release {{out/r1}} --reason end --ledger {{ledger}} --sign {{{key}.key}} --yes {who}"
        )
    };
    said(&house.fails(&purge("", "runner")), "R0607");
    assert!(house.ok(&purge("--by 甲", "runner")).contains("nothing was deleted"));
    // Asked for is not deleted.
    house.ok("verify {out/r1} --ledger {ledger}");
    for (who, key) in [("--by 乙", "runner"), ("--by 甲", "board")] {
        said(&house.fails(&purge(who, key)), "R0608");
    }
    said(&house.fails(&purge("", "board")), "R0607");
    assert!(house.path("out/r1/anonymized").exists());
    house.ok(&purge("--by 乙", "board"));
    assert!(!house.path("out/r1").exists());
    let all = kinds(&house, "deletion");
    let states: Vec<&str> = all.iter().map(|b| b["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["asked", "begun", "done"]);
    assert_eq!((&all[0]["by"], &all[2]["by"]), (&json!("甲"), &json!("乙")));
    // Keys: which project they are of no entry says.
    let keys = "purge --project-key {project.key} --reason end --ledger {ledger} --sign {runner.key} --yes";
    said(&house.fails(keys), "R0607");
    // What another person asked for once is not agreed to for ever: it was done.
    house.release("r2");
    let again = purge("--by 乙", "board").replace("r1", "r2");
    assert!(house.ok(&again).contains("nothing was deleted"));
}

/// Source data (法20条): out of sight, then gone, with its items in the ledger; never more than source data.
#[test]
fn source_data_is_deleted_with_its_items() {
    let house = House::new();
    let purge = |what: &str| {
        format!(
            "purge --source {{{what}}} --policy {{policy.toml}} --reason 契約の終了 --ledger {{ledger}} --sign {{runner.key}} --yes"
        )
    };
    house.copy("data", "delivered");
    std::fs::write(house.path("delivered/more.txt"), "x").unwrap();
    // The house, and a link.
    said(&house.fails(&purge("")), "R0601");
    std::os::unix::fs::symlink(house.path("delivered"), house.path("link")).unwrap();
    said(&house.fails(&purge("link")), "R0601");
    said(&house.fails(&purge("absent")), "R0609");
    // One that was killed on its way.
    std::fs::rename(house.path("delivered"), house.path(".kakou-purge-delivered")).unwrap();
    house.copy("data", "delivered");
    house.ok(&purge("delivered"));
    assert!(!house.path("delivered").exists() && !house.path(".kakou-purge-delivered").exists());
    assert!(house.path("data/stays.csv").exists());
    let done = kinds(&house, "deletion").pop().unwrap();
    let body = &done["sources"][0];
    assert_eq!((&body["files"], &body["items"]["stays"][1]), (&json!(1), &json!("氏名")));
    let book = house.ok("papers --format csv book {ledger}");
    assert!(book.contains("医療情報") && book.contains("氏名"), "{book}");
}

/// What no run makes is named, in a release and in a ledger.
#[test]
fn a_folder_is_as_a_run_makes_it() {
    let house = House::new();
    house.release("r1");
    let verify = "verify {out/r1} --ledger {ledger}";
    house.ok(verify);
    let csv = house.path("out/r1/anonymized/stays.csv");
    let made = mode(&csv);
    for (rights, word) in [
        (0o646, "written by everybody"),
        (0o4640, "another's rights"),
        (0o2640, "another's rights"),
    ] {
        std::fs::set_permissions(&csv, PermissionsExt::from_mode(rights)).unwrap();
        said(&house.fails(verify), word);
    }
    std::fs::set_permissions(&csv, PermissionsExt::from_mode(made)).unwrap();
    let folder = house.path("out/r1/record");
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o707)).unwrap();
    said(&house.fails(verify), "record can be written by everybody");
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::hard_link(&csv, house.path("second")).unwrap();
    said(&house.fails(verify), "2 names");
    std::fs::remove_file(house.path("second")).unwrap();
    let inside = house.path("out/r1/anonymized/empty");
    std::fs::create_dir(&inside).unwrap();
    said(&house.fails(verify), "anonymized/empty is an empty folder");
    std::fs::remove_dir(&inside).unwrap();
    std::os::unix::fs::symlink("stays.csv", &inside).unwrap();
    said(&house.fails(verify), "anonymized/empty is a link");
    std::fs::remove_file(&inside).unwrap();
    std::fs::rename(house.path("out/r1"), house.path("out/r2")).unwrap();
    said(&house.fails("verify {out/r2}"), "name of its release, which is r1");
    std::fs::rename(house.path("out/r2"), house.path("out/r1")).unwrap();
    house.ok(verify);
    let more = house.path("ledger/entries.jsonl.bak");
    std::fs::write(&more, "x").unwrap();
    said(&house.fails(verify), "is not the ledger's");
    said(&house.fails("ledger verify {ledger}"), "is not the ledger's");
    std::fs::remove_file(&more).unwrap();
    // What a killed writer left is no stranger; the next writer takes it away.
    std::fs::write(house.path("ledger/.kakou-abc"), "x").unwrap();
    house.ok("ledger verify {ledger}");
    house.ok("ledger trust {ledger} --public-key {third.pub} --sign {runner.key}");
    assert!(!house.path("ledger/.kakou-abc").exists());
}

/// Folders are private whatever the mask, the output is not in the input, and a killed `key new` stops nobody.
#[test]
fn folders_are_private_and_key_files_whole() {
    let house = House::new();
    let run = |out: &str| {
        let line = format!(
            "umask 000; exec \"$0\" run --quiet --policy '{}' --input '{}' --key '{}' --out '{}' --release-id r1",
            text(&house.path("policy.toml")),
            text(&house.path("data")),
            text(&house.path("project.key")),
            text(&house.path(out)),
        );
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", &line, env!("CARGO_BIN_EXE_kakou")])
            .env("LC_ALL", "C")
            .env("HOME", "/nowhere")
            .output()
            .unwrap()
    };
    let done = run("new/deep/out");
    assert!(done.status.success(), "{}", error_of(&done));
    for folder in ["new", "new/deep", "new/deep/out", "new/deep/out/r1", "new/deep/out/r1/record"] {
        assert_eq!(mode(&house.path(folder)), 0o700, "{folder}");
    }
    house.ok("verify {new/deep/out/r1}");
    for out in ["data", "data/out", "data/../data/x"] {
        said(&error_of(&run(out)), "P0319");
    }
    assert_eq!(std::fs::read_dir(house.path("data")).unwrap().count(), 1);
    // A key that never was.
    let left = house.path(".kakou-key-00");
    std::fs::write(&left, "").unwrap();
    house.ok("key new {next.key}");
    assert!(!left.exists() && mode(&house.path("next.key")) == 0o600);
    said(&house.fails("key new {next.key}"), "K0107");
}

/// No command leaves a core file: the limit is set before anything is read.
#[test]
fn every_command_forbids_core_files_first() {
    let mut child = program()
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for a reader: what it says is longer than a pipe holds.
    let limits = format!("/proc/{}/limits", child.id());
    let zero = |_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::read_to_string(&limits).is_ok_and(|text| {
            text.lines().any(|l| {
                l.starts_with("Max core file size")
                    && l.split_whitespace().filter(|w| *w == "0").count() == 2
            })
        })
    };
    let found = (0..200).any(zero);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(found);
}
