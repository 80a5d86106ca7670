//! Risk figures against those of sdcMicro 5.8.1, row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common;

use kakou::frame::Column;
use kakou::privacy::model::measure::Counted;
use kakou::privacy::risk::{household, individual, suda, sum};
use kakou::privacy::{Reading, View};

struct Texts {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Texts {
    fn read(path: &Path) -> Self {
        let (header, rows) = common::records(path);
        Texts { header, rows }
    }
    fn column(&self, name: &str) -> Vec<&str> {
        let at = self.header.iter().position(|h| h == name).unwrap();
        self.rows.iter().map(|r| r[at].as_str()).collect()
    }
    fn numbers(&self, name: &str) -> Vec<f64> {
        // "" is how sdcMicro's NaN was written.
        self.column(name).iter().map(|t| t.parse().unwrap_or(f64::NAN)).collect()
    }
    fn codes(&self, name: &str) -> Column {
        Column::from_texts(self.column(name).into_iter().map(|t| (t != "NA").then_some(t)))
    }
    fn view(&self, names: &[&str]) -> View<'_> {
        let columns: Vec<Column> = names.iter().map(|n| self.codes(n)).collect();
        let cards: Vec<u32> = columns.iter().map(|c| c.dictionary().len() as u32).collect();
        View::of_rows(columns.iter().map(|c| c.codes().to_vec()).collect(), &cards).unwrap()
    }
}

const SEVEN: [&str; 7] = ["urbrur", "roof", "walls", "water", "electcon", "relat", "sex"];
const FOUR: [&str; 4] = ["Key1", "Key2", "Key3", "Key4"];

struct Source {
    file: &'static str,
    expected: &'static str,
    summary: &'static str,
    keys: &'static [&'static str],
    weights: Option<&'static str>,
}

const SOURCES: [Source; 4] = [
    Source {
        file: "francdat.csv",
        expected: "expected_francdat_key1-4_w.csv",
        summary: "francdat",
        keys: &FOUR,
        weights: Some("w"),
    },
    Source {
        file: "testdata.csv",
        expected: "expected_testdata_k7_w.csv",
        summary: "testdata_k7",
        keys: &SEVEN,
        weights: Some("sampling_weight"),
    },
    Source {
        file: "testdata.csv",
        expected: "expected_testdata_k7_now.csv",
        summary: "testdata_k7_now",
        keys: &SEVEN,
        weights: None,
    },
    Source {
        file: "testdata2.csv",
        expected: "expected_testdata2_k7_w.csv",
        summary: "testdata2_k7",
        keys: &SEVEN,
        weights: Some("sampling_weight"),
    },
];

fn close(ours: f64, theirs: f64, tolerance: f64, what: &str) {
    assert!(
        (ours - theirs).abs() <= tolerance * theirs.abs().max(1e-300),
        "{what}: ours {ours}, sdcMicro {theirs}"
    );
}

fn summary(folder: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join("sdcmicro/expected_summary.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
#[ignore = "needs the large fixtures (KAKOU_FIXTURES): cargo test -- --ignored"]
fn frequencies_and_individual_risk() {
    let folder = common::large_fixtures();
    let folder = folder.join("sdcmicro");
    let all = summary(folder.parent().unwrap());
    for source in SOURCES {
        let data = Texts::read(&folder.join(source.file));
        let expected = Texts::read(&folder.join(source.expected));
        let weights = match source.weights {
            Some(name) => data.numbers(name),
            None => vec![1.0; data.rows.len()],
        };
        let view = data.view(source.keys);
        let matched = view.matched_weights(Reading::MatchesEverything, &weights);
        let columns: BTreeMap<&str, Vec<f64>> = ["fk", "Fk", "rk_approx", "rk_exact"]
            .into_iter()
            .map(|name| (name, expected.numbers(name)))
            .collect();
        let (mut compared, mut absent, mut whole) = (0, 0, Vec::new());
        for (row, &(f, weight)) in matched.iter().enumerate() {
            let what = format!("{} row {}", source.expected, row + 1);
            let exact = individual::exact(f, weight).value().unwrap();
            whole.push(individual::approximate(f, weight).value().unwrap());
            close(f as f64, columns["fk"][row], 0.0, &what);
            close(weight, columns["Fk"][row], 1e-12, &what);
            close(whole[row], columns["rk_approx"][row], 1e-9, &what);
            let theirs = columns["rk_exact"][row];
            if theirs.is_nan() {
                // Its alternating sum overflows for f = 176; the risk is near the approximation.
                absent += 1;
                close(exact, whole[row], 1e-4, &what);
            } else {
                close(exact, theirs, 1e-9, &what);
                compared += 1;
            }
            compared += 3;
        }
        let theirs = &all[source.summary];
        close(
            sum(whole.iter().copied()),
            theirs["expected_reids_approx"].as_f64().unwrap(),
            1e-9,
            source.summary,
        );
        let uniques = matched.iter().filter(|m| m.0 == 1).count() as u64;
        assert_eq!(uniques, theirs["n_unique"].as_u64().unwrap());
        assert_eq!(view.classes().len() as u64, theirs["classes"].as_u64().unwrap());
        for k in [2, 3, 5] {
            let below = matched.iter().filter(|m| m.0 < k).count() as u64;
            assert_eq!(below, theirs[&format!("n_viol_{k}")].as_u64().unwrap());
        }
        compared += 6;
        eprintln!(
            "{}: {compared} values agree; {absent} exact risks are not available there",
            source.expected
        );
    }
}

/// The number of rows that sdcMicro takes for uniques in its DIS: rows whose 16-bit hash no other row has. It forgets the
/// uniques that share a hash with another row (`else if (k == g_NbPerHash[i])` in `Suda2.h` is never true for them).
fn uniques_of_sdcmicro(data: &Texts, keys: &[&str]) -> u64 {
    let columns: Vec<Vec<f64>> = keys.iter().map(|k| data.numbers(k)).collect();
    let mut rows: BTreeMap<u16, u64> = BTreeMap::new();
    for row in 0..data.rows.len() {
        let hash = columns
            .iter()
            .fold(0_u16, |hash, column| hash.rotate_left(1).wrapping_add(column[row] as u16));
        *rows.entry(hash).or_default() += 1;
    }
    rows.values().filter(|&&n| n == 1).count() as u64
}

#[test]
#[ignore = "needs the large fixtures (KAKOU_FIXTURES): cargo test -- --ignored"]
fn special_uniques() {
    let folder = common::large_fixtures();
    let all = summary(&folder);
    let folder = folder.join("sdcmicro");
    for source in SOURCES {
        let data = Texts::read(&folder.join(source.file));
        let expected = Texts::read(&folder.join(source.expected));
        let (scores, dis) = (expected.numbers("suda_score"), expected.numbers("dis_suda"));
        let view = data.view(source.keys);
        let ours = suda::suda(&view, Reading::MatchesNothing, 0.01, 0).unwrap();
        let mut compared = 0;
        for (row, (&ours, &theirs)) in ours.score.iter().zip(&scores).enumerate() {
            close(ours, theirs, 1e-12, &format!("{} row {}", source.expected, row + 1));
            compared += 1;
        }
        // Its DIS with its own number of uniques; it computes the scale in single precision.
        let classes = view.classes();
        let pairs = classes.persons.iter().filter(|&&p| p == 2).count() as u64;
        let uniques = classes.persons.iter().filter(|&&p| p == 1).count() as u64;
        let counted = uniques_of_sdcmicro(&data, source.keys);
        let scale = suda::match_risk(counted, pairs, 0.01).value().unwrap();
        let with_theirs = suda::scaled(&ours.score, source.keys.len(), counted, scale);
        for (row, (&ours, &theirs)) in with_theirs.iter().zip(&dis).enumerate() {
            close(ours, theirs, 1e-6, &format!("{} row {}", source.expected, row + 1));
            compared += 1;
        }
        if counted == uniques {
            for (&ours, &theirs) in ours.dis.iter().zip(&dis) {
                close(ours, theirs, 1e-6, source.expected);
            }
        }
        for attribute in all[source.summary]["suda_attr"].as_array().unwrap() {
            let at = source.keys.iter().position(|k| *k == attribute["variable"]).unwrap();
            let theirs = attribute["contribution"].as_f64().unwrap();
            close(100.0 * ours.contribution[at], theirs, 1e-9, source.summary);
            compared += 1;
        }
        eprintln!(
            "{}: {compared} SUDA values agree; uniques {uniques}, of which sdcMicro's DIS counts {counted}",
            source.expected
        );
    }
}

#[test]
#[ignore = "needs the large fixtures (KAKOU_FIXTURES): cargo test -- --ignored"]
fn households() {
    let folder = common::large_fixtures();
    let all = summary(&folder);
    let folder = folder.join("sdcmicro");
    let data = Texts::read(&folder.join("testdata.csv"));
    let expected = Texts::read(&folder.join("expected_testdata_k7_hier_individual.csv"));
    let matched = data
        .view(&SEVEN)
        .matched_weights(Reading::MatchesEverything, &data.numbers("sampling_weight"));
    let risks: Vec<f64> =
        matched.iter().map(|&(f, w)| individual::approximate(f, w).value().unwrap()).collect();
    let ours = household::household(data.codes("ori_hid").codes(), &risks);
    for (column, ours) in [
        ("risk", &risks),
        ("hier_risk", &ours),
        ("fk", &matched.iter().map(|m| m.0 as f64).collect()),
        ("Fk", &matched.iter().map(|m| m.1).collect()),
    ] {
        for (row, (&ours, &theirs)) in ours.iter().zip(&expected.numbers(column)).enumerate() {
            close(ours, theirs, 1e-9, &format!("{column}, row {}", row + 1));
        }
    }
    let theirs = &all["testdata_sdcobj_hh"];
    close(sum(ours.iter().copied()), theirs["hier_risk_ER"].as_f64().unwrap(), 1e-9, "sum");
    let mean = sum(ours.iter().copied()) / ours.len() as f64;
    close(mean, theirs["hier_risk"].as_f64().unwrap(), 1e-9, "mean");
    eprintln!("expected_testdata_k7_hier_individual.csv: {} values agree", 4 * ours.len() + 2);
}

#[test]
#[ignore = "needs the large fixtures (KAKOU_FIXTURES): cargo test -- --ignored"]
fn l_diversity_of_each_class() {
    let folder = common::large_fixtures();
    let folder = folder.join("sdcmicro");
    let data = Texts::read(&folder.join("testdata.csv"));
    let expected = Texts::read(&folder.join("expected_testdata_k7_ldiv_income.csv"));
    let of = |kind: &str| expected.numbers(&format!("income_{kind}_Ldiversity"));
    let (distinct, entropy, recursive) = (of("Distinct"), of("Entropy"), of("Recursive"));
    let view = data.view(&SEVEN);
    let (class, classes) = view.assign();
    let income = data.codes("income");
    let mut compared = 0;
    for number in 0..classes.len() as u32 {
        let rows: Vec<u32> =
            (0..class.len() as u32).filter(|&r| class[r as usize] == number).collect();
        let own = income.take(&rows);
        // The class alone, each row a person.
        let counted = Counted::new(&vec![0; rows.len()], 1, &rows, &[own.codes()]).unwrap();
        let l = counted.distinct_l(0).unwrap();
        let e = counted.entropy_l(0).value().unwrap();
        for &row in &rows {
            let row = row as usize;
            let what = format!("row {}", row + 1);
            close(l as f64, distinct[row], 0.0, &what);
            close(e, entropy[row], 1e-9, &what);
            // Its recursive figure is the largest l for which recursive (c, l)-diversity holds, c = 2.
            let holds = |l: u64| counted.recursive_c(l, 0).value().is_some_and(|c| c < 2.0);
            let largest = recursive[row] as u64;
            assert!(largest < 2 || holds(largest), "{what}");
            assert!(largest == l || !holds(largest + 1), "{what}");
            compared += 3;
        }
    }
    eprintln!("expected_testdata_k7_ldiv_income.csv: {compared} values agree");
}

#[test]
#[ignore = "needs the large fixtures (KAKOU_FIXTURES): cargo test -- --ignored"]
fn text_columns_have_special_uniques_too() {
    // sdcMicro's suda2() gives 0 for every row of text columns. Ours knows codes only.
    let folder = common::large_fixtures();
    let data = Texts::read(&folder.join("sdcmicro/testdata.csv"));
    let words = Texts {
        header: data.header.clone(),
        rows: data.rows.iter().map(|r| r.iter().map(|c| format!("値{c}x")).collect()).collect(),
    };
    let of =
        |data: &Texts| suda::suda(&data.view(&SEVEN), Reading::OwnCategory, 0.01, 0).unwrap().score;
    assert_eq!(of(&words), of(&data));
    let distinct: BTreeSet<u64> = of(&words).iter().map(|s| *s as u64).collect();
    assert!(distinct.len() > 10);
}
