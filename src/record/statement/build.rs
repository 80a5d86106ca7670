//! A statement from what the engine made and what was proved of it.

use std::time::SystemTime;

use super::*;
use crate::digest::{self, hex};
use crate::engine::exclude::Lists;
use crate::engine::{Made, search, views};
use crate::error::{Name, Result, small};
use crate::keys::{self, Hygiene, PublicKey};
use crate::plan::{self, Plan, TablePlan};
use crate::proof::detectors;
use crate::proof::prove::Proof;
use crate::proof::structure::Structure;
use crate::schema::{ByKind, Kind};
use crate::text::identifier;

/// What the statement says beside what the engine found.
pub struct Facts<'a> {
    /// The id of the release.
    pub id: &'a str,
    /// When the run began and ended.
    pub started: SystemTime,
    /// When the files were proved.
    pub finished: SystemTime,
    /// SHA3-256 of the resolved policy ([`crate::seal::policy_digest`]).
    pub policy_digest: [u8; 32],
    /// What was found of its approval.
    pub approval: ApprovalTold,
    /// Who signs.
    pub signer: Option<&'a PublicKey>,
    /// The ledger that the run is entered in.
    pub ledger: Option<&'a str>,
    /// Why the legal items are answered.
    pub evidence: &'a [plan::ItemEvidence],
    /// The exclusion lists.
    pub lists: &'a Lists,
    /// Id of the pseudonymized key.
    pub pseudonymized_key: &'a str,
    /// Its suite.
    pub suite: &'static str,
    /// What became of the anonymized key.
    pub destruction: &'a keys::Destruction,
    /// Whether this may be released: no test switch was used, and the policy was not run unapproved.
    pub for_release: bool,
    /// The link keys that the anonymized release has: their source and counts.
    pub links: Option<LinkKeys>,
    /// The state of the process.
    pub hygiene: &'a Hygiene,
}

/// Builds the statement.
///
/// # Errors
/// If the system gives no random numbers for the commitments.
pub fn build(plan: &Plan, made: &Made, proof: &Proof, facts: &Facts<'_>) -> Result<Statement> {
    Ok(Statement {
        schema: Version::Two,
        release: facts.id.to_owned(),
        not_for_release: !facts.for_release,
        signed_by: facts.signer.map(PublicKey::id),
        ledger: facts.ledger.map(str::to_owned),
        engine: Engine { name: "kakou".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        started_at: rfc3339(facts.started),
        finished_at: rfc3339(facts.finished),
        policy: PolicyTold {
            id: owned(&plan.id),
            version: owned(&plan.version),
            sha3_256: hex(&facts.policy_digest),
            commitment: crate::seal::commit(&facts.policy_digest)?,
            tier: plan.tier,
            because: plan.because.as_ref().map(owned),
            approval: facts.approval.clone(),
        },
        frozen_plan: FrozenPlan { sha3_256: hex(&digest::sha3(&made.frozen)) },
        releases: plan.releases.clone(),
        profile: plan.profile,
        inputs: inputs(plan, made)?,
        persons: Persons {
            read: made.intake.persons,
            in_several_spellings: made.intake.told.spelled,
            linked: (!plan.linkage.is_empty()).then_some(Linked {
                persons: made.intake.linked.persons,
                numbers: made.intake.linked.numbers,
            }),
            excluded: made.intake.excluded_persons,
            without_rows: made.persons_without_rows,
            released: made.persons,
        },
        exclusion_lists: crate::objections::lists(facts.lists)?,
        eligibility: crate::objections::eligibility(facts.lists, made)?,
        tables: (0..plan.tables.len()).map(|t| table(plan, made, t)).collect(),
        views: views_told(plan, made, proof),
        sets: sets(plan, made, proof),
        floors: floors(plan, made),
        steady: proof.steady.iter().map(SteadyTold::of).collect(),
        unique: Some(proof.unique.clone()),
        search: made.search.as_ref().map(searched),
        link_keys: facts.links.clone(),
        receipt_file: made.receipts.as_ref().map(|file| ReceiptFile {
            file: file.relative.clone(),
            characters_replaced: file.written.unencodable,
            characters_respelled: file.written.respelled,
            recounted: proof.receipts.clone(),
        }),
        proof: ProofTold {
            identifiers_searched: proof.identifiers_searched,
            identifiers_too_short: proof.identifiers_too_short,
            cells_searched: proof.cells_searched,
            tokens: Tokens {
                pseudonymized: proof.tokens.pseudonymized,
                anonymized: proof.tokens.anonymized,
                shared: 0,
            },
            detectors: Some(detected(&proof.detectors)),
            floors: proof.floors.clone(),
            joins: Some(proof.joins.clone()),
        },
        law: facts.evidence.iter().map(law).collect(),
        warnings: warnings(plan, made, proof, facts.lists),
        keys: Keys {
            suite: facts.suite.to_owned(),
            identifier_rules: identifier::VERSION.to_owned(),
            pseudonymized: facts.pseudonymized_key.to_owned(),
            anonymized: Destroyed {
                key_id: facts.destruction.key_id.clone(),
                at: facts.destruction.at.clone(),
                how: facts.destruction.how.to_owned(),
                memory_was_locked: facts.destruction.memory_was_locked,
                final_: facts.destruction.final_,
            },
        },
        identifiers_of_nines: made
            .intake
            .told
            .nines
            .iter()
            .map(|(key, &[numbers, fillers])| Nines { key: key.clone(), numbers, fillers })
            .collect(),
        pseudonyms: Some(Pseudonyms {
            project: owned(&plan.project),
            recipient: owned(&plan.recipient),
            domain: owned(&plan.person_key),
            parts: plan.tables.first().map_or(1, TablePlan::person_parts),
            normalize: plan.normalize,
        }),
        timings: None,
        process: Some(Process {
            core_limit_zero: facts.hygiene.core_limit_zero,
            non_dumpable: facts.hygiene.non_dumpable,
            swap_on: facts.hygiene.swap_on,
            memlock_ok: facts.hygiene.memlock_ok,
        }),
        structure: ByKind::of(|kind| Structure::of(plan, kind)),
    })
}

fn owned(name: &Name) -> String {
    name.as_str().to_owned()
}

/// `table.column`.
fn name_of(plan: &Plan, table: usize, column: usize) -> String {
    let table = &plan.tables[table];
    format!("{}.{}", table.name, table.columns[column].facts.column)
}

fn inputs(plan: &Plan, made: &Made) -> Result<Vec<Input>> {
    let told = made.intake.files.iter().map(|f| {
        Ok(Input {
            table: owned(&plan.tables[f.table].name),
            bytes: f.facts.bytes,
            rows: f.facts.rows_read,
            sha3_256: hex(&f.facts.sha3_256),
            commitment: crate::seal::commit(&f.facts.sha3_256)?,
            byte_order_mark: f.facts.bom,
        })
    });
    told.collect()
}

fn table(plan: &Plan, made: &Made, t: usize) -> TableTold {
    let (table, intake) = (&plan.tables[t], &made.intake.tables[t]);
    let released = |kind: Kind| {
        let file = made.files.iter().find(|f| f.kind == kind && f.table == t);
        TableReleased {
            rows_out: file.map(|f| f.written.rows),
            characters_replaced: file.map(|f| f.written.unencodable),
            characters_respelled: file.map(|f| f.written.respelled),
            cells_prefixed: file.map(|f| f.written.formula),
            persons: file.map(|f| f.persons),
            excluded: intake.excluded[kind],
            removed: made.removed[kind][t],
            left_out: file.is_none(),
            file: file.map(|f| f.relative.clone()),
            long: table.long(kind).map(|l| LongTold {
                form: l.form,
                order: l.order,
                reason: l.reason.as_ref().map(owned),
            }),
            columns: columns(plan, made, kind, t),
        }
    };
    TableTold {
        table: owned(&table.name),
        rows_in: intake.rows_in,
        set_aside: intake.set_aside.clone(),
        moments_of_other_zones: intake.moments,
        cells_blanked: intake.blanked.iter().map(|(c, n)| (owned(c), *n)).collect(),
        releases: ByKind::of(released),
    }
}

fn columns(plan: &Plan, made: &Made, kind: Kind, t: usize) -> Vec<ColumnTold> {
    let table = &plan.tables[t];
    let told = table.columns.iter().enumerate().map(|(c, column)| {
        let planned = column.treatment(kind);
        let doc = planned.treatment.doc();
        let (ja, en) = planned.treatment.describe();
        let tally = made.tallies[kind][t][c];
        // What was replaced in free text is counted of the pseudonymized release.
        let marks = made.marks[t][c].counts().filter(|_| kind == Kind::Pseudonymized);
        ColumnTold {
            column: owned(&column.facts.column),
            name: planned.output.map(|_| owned(table.name_in(kind, c))),
            role: column.facts.role,
            treatment: doc.name.to_owned(),
            term: doc.ja.to_owned(),
            description: en,
            ja,
            reason: column.reason.as_ref().map(owned),
            because: column.because.as_ref().map(owned),
            released: planned.output.is_some(),
            cells: tally.seen,
            changed: tally.changed,
            suppressed: tally.suppressed,
            floored: tally.floored,
            marks: marks
                .map(|(mark, n)| Mark {
                    mark: mark.to_owned(),
                    places: owned(&small(n.places)),
                    persons: owned(&small(n.persons)),
                })
                .collect(),
        }
    });
    told.collect()
}

fn views_told(plan: &Plan, made: &Made, proof: &Proof) -> Vec<ViewTold> {
    let all = plan.views.iter().zip(&made.views).zip(&proof.views);
    let told = all.map(|((view, outcome), recount)| {
        let names = |columns: &[plan::ViewColumn]| {
            columns.iter().map(|c| name_of(plan, c.table, c.column)).collect()
        };
        let models = view.models.iter();
        ViewTold {
            view: owned(&view.name),
            grain: owned(&plan.tables[view.table].name),
            implied: view.implied,
            quasi_identifiers: names(&view.quasi),
            facts: names(&view.other_forms().cloned().collect::<Vec<_>>()),
            k: view.k,
            because: view.because.as_ref().map(owned),
            visible_in: view.visible_in,
            l: view.sensitive.iter().map(|(_, l)| *l).collect(),
            models: models
                .map(|m| ModelTold { model: m.key.to_owned(), with: m.numbers.clone() })
                .collect(),
            rows: outcome.rows,
            suppressed: outcome.suppressed,
            source: classes(&outcome.source),
            treated: classes(&outcome.treated),
            released: classes(&outcome.released),
            recounted: recount.clone(),
        }
    });
    told.collect()
}

fn classes(summary: &views::Summary) -> Classes {
    let bins = summary.histogram.iter();
    Classes {
        classes: summary.classes,
        smallest: summary.smallest.map(|s| s.0),
        rows: summary.rows.0,
        persons: summary.persons.0,
        l: summary.l.clone(),
        histogram: bins
            .map(|b| Bin { from: b.from, classes: b.classes, persons: b.persons })
            .collect(),
    }
}

fn sets(plan: &Plan, made: &Made, proof: &Proof) -> Vec<SetTold> {
    let all = plan.sets.iter().zip(&made.sets).zip(&proof.sets);
    let told = all.map(|((set, outcome), recount)| SetTold {
        set: owned(&set.name),
        column: name_of(plan, set.table, set.column),
        m: set.m,
        k: set.k,
        because: set.because.as_ref().map(owned),
        rows: outcome.rows,
        suppressed: outcome.suppressed,
        items: outcome.items,
        items_suppressed: outcome.items_suppressed,
        before: outcome
            .before
            .iter()
            .map(|s| SizeTold { items: s.size, present: s.present, below: s.violating })
            .collect(),
        recounted: recount.clone(),
    });
    told.collect()
}

fn floors(plan: &Plan, made: &Made) -> Vec<FloorTold> {
    let told = made.floors.iter().map(|f| FloorTold {
        column: name_of(plan, f.table, f.column),
        outcome: FloorOutcome {
            persons: f.persons,
            tails: f.tails,
            joined: f.joined,
            rows_removed: f.rows_removed,
            labels: f.labels,
            few: f.few,
        },
    });
    told.collect()
}

fn searched(found: &search::Searched) -> Search {
    let finite = |figure: &f64| Some(*figure).filter(|f| f.is_finite());
    let choice = |choice: &search::Choice| Choice {
        levels: choice.levels.iter().map(owned).collect(),
        cost: choice.cost.0.iter().map(finite).collect(),
        suppressed: choice.suppressed.clone(),
        classes: choice.classes.clone(),
        feasible: choice.feasible,
    };
    let columns = found.columns.iter();
    Search {
        columns: columns
            .map(|c| Offered { name: owned(&c.name), levels: c.levels.iter().map(owned).collect() })
            .collect(),
        objective: found.objective.to_owned(),
        chosen: choice(&found.chosen),
        runners: found.runners.iter().map(choice).collect(),
        neighbours: found.neighbours.iter().map(choice).collect(),
        nodes: found.nodes,
        evaluated: found.evaluated,
        pruned_by_models: found.pruned_by_models,
        pruned_by_bound: found.pruned_by_bound,
        exact: found.exact,
        gap: found.gap.as_ref().and_then(finite),
        rejected: found.rejected,
    }
}

fn detected(found: &detectors::Detectors) -> Detectors {
    let findings = found.findings.iter().map(|f| Detected {
        release: f.release,
        table: owned(&f.table),
        column: owned(&f.column),
        detector: f.detector.to_owned(),
        rows: owned(&f.rows),
        persons: owned(&f.persons),
        percent: f.percent,
        waived: f.waived.as_ref().map(owned),
    });
    Detectors {
        version: found.version.to_owned(),
        normalization: found.normalization.to_owned(),
        detectors: found.detectors.iter().map(|&name| name.to_owned()).collect(),
        columns: found.columns,
        findings: findings.collect(),
    }
}

fn law(evidence: &plan::ItemEvidence) -> LawTold {
    let answers = evidence.answered_by.iter().map(|a| Answer {
        table: owned(&a.table),
        column: owned(&a.column),
        treatment: a.treatment.to_owned(),
        ja: a.ja.clone(),
        en: a.en.clone(),
    });
    LawTold {
        item: evidence.item,
        cite: evidence.cite.to_owned(),
        answered_by: answers.collect(),
        views: evidence.views.iter().map(owned).collect(),
        reason: evidence.reason.as_ref().map(owned),
    }
}

fn warnings(plan: &Plan, made: &Made, proof: &Proof, lists: &Lists) -> Vec<Warning> {
    let found = plan.warnings.iter().chain(&made.intake.warnings).chain(&made.declared);
    let found = found.chain(&proof.detectors.warnings);
    let found = found.map(|w| (w.code, w.text.to_string(), w.text_ja.to_string()));
    let of_lists =
        lists.warnings().into_iter().map(|(c, t, ja)| (c, t.to_string(), ja.to_string()));
    found
        .chain(of_lists)
        .map(|(code, text, ja)| Warning { code: code.to_owned(), text, ja })
        .collect()
}
